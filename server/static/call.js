/** One call over the media WebSocket (docs/protocols/media.md). */
import { CallAudio, RATE_HZ } from "./audio.js";
import { Problem, refusal } from "./problem.js";

/** Sound that may wait in the socket: two seconds. What is older helps nobody. */
const MAX_WAITING_BYTES = 4 * RATE_HZ;
/** How long the server has to send the last ledger after we hung up. */
const GOODBYE_MS = 1500;

export class Call {
  transport = "WebSocket";
  sentFrames = 0;
  receivedFrames = 0;
  audio = null;

  #query;
  #listen;
  #socket = null;
  #over = false;
  #fatal = null;

  /**
   * `query` is passed on to the server (scenario, language). `listen` is given the server's
   * messages, `{type: "connecting"}`, `{type: "answered"}` for each mark that is reached, and at
   * the end, once, `{type: "over", reason, problem}`.
   */
  constructor(query, listen) {
    this.#query = query;
    this.#listen = listen;
  }

  async start() {
    try {
      this.audio = await CallAudio.open();
    } catch (problem) {
      this.#end(null, problem);
      return;
    }
    if (this.#over) {
      this.audio.close();
      return;
    }
    this.#listen({ type: "connecting" });
    this.audio.onlost = () => this.#end(null, new Problem("microphone.lost"));
    this.audio.onframe = (frame) => this.#sendSound(frame);
    this.audio.onanswer = (answer) => {
      this.#send(answer);
      this.#listen({ ...answer, type: `${answer.type}.reached` });
    };
    this.#connect();
  }

  #connect() {
    const url = new URL("/media", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    for (const [name, value] of this.#query) url.searchParams.set(name, value);
    url.searchParams.set("rate", RATE_HZ);
    url.searchParams.set("features", "mark,clear,pause");
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    let opened = false;
    socket.onopen = () => (opened = true);
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = async () => {
      if (this.#over) return;
      this.#end(null, this.#fatal ?? (opened ? new Problem("connection.lost") : await refusal()));
    };
    this.#socket = socket;
  }

  #received(data) {
    if (this.#over) return;
    if (data instanceof ArrayBuffer) {
      this.receivedFrames += 1;
      this.audio.play(data);
      return;
    }
    const message = JSON.parse(data);
    this.audio.play(message);
    if (message.type === "error" && message.fatal) {
      this.#fatal = new Problem(message.code, message.message);
    }
    this.#listen(message);
    if (message.type === "hangup") this.#end(message.reason, this.#fatal);
  }

  #sendSound(frame) {
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_WAITING_BYTES) return;
    socket.send(frame);
    this.sentFrames += 1;
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  dial(digit) {
    this.#send({ type: "dtmf", digit });
  }

  /** The person hangs up; the server's last ledger is still waited for, silently. */
  hangUp() {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      this.#end("caller", null);
      return;
    }
    this.#send({ type: "hangup" });
    this.audio.close();
    setTimeout(() => this.#end("caller", null), GOODBYE_MS);
  }

  #end(reason, problem) {
    if (this.#over) return;
    this.#over = true;
    this.audio?.close();
    this.#socket?.close();
    this.#listen({ type: "over", reason, problem });
  }
}
