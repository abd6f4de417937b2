/** One call over WebRTC (docs/webrtc.md): sound by the browser's own means, messages beside it. */
import { openMicrophone } from "./audio.js";
import { Problem, refusal } from "./problem.js";

const OPUS_HZ = 48000;
const PAGE_HZ = 16000;
/** On a network that lets UDP through the way is found in less than one. */
const CONNECT_MS = 6000;
/** How long the server has to send the last ledger after we hung up. */
const GOODBYE_MS = 1500;
const VITALS_MS = 500;

/** What the server offers for WebRTC, as an RTCPeerConnection takes it; null where it does not, or
 * where the page's address asks for `?transport=websocket`. */
export async function offered(query) {
  if (query.get("transport") === "websocket" || !("RTCPeerConnection" in window)) return null;
  try {
    const response = await fetch("/webrtc", { cache: "no-store" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

export class RtcCall {
  transport = "WebRTC";
  sentFrames = 0;
  receivedFrames = 0;
  audio = null;

  #query;
  #listen;
  #connection;
  #events;
  #dtmf = null;
  #url = null;
  #timers = [];
  #started = false;
  #over = false;
  #fatal = null;

  /** As `Call`, with what `offered` gave. */
  constructor(configuration, query, listen) {
    this.#query = query;
    this.#listen = listen;
    this.#connection = new RTCPeerConnection(configuration);
    this.#events = this.#connection.createDataChannel("events");
  }

  async start() {
    try {
      this.audio = await RtcAudio.open();
      if (this.#over) {
        this.audio.close();
        return;
      }
      this.audio.onlost = () => this.#end(null, new Problem("microphone.lost"));
      this.#listen({ type: "connecting" });
      await this.#connect();
    } catch (error) {
      this.#end(null, error instanceof Problem ? error : unreachable(error.message));
    }
  }

  async #connect() {
    const connection = this.#connection;
    const sender = connection.addTrack(this.audio.microphone.getAudioTracks()[0]);
    connection.ontrack = ({ track }) => this.audio.play(track);
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") this.#lost();
    };
    this.#events.onmessage = ({ data }) => this.#received(JSON.parse(data));
    this.#events.onclose = () => this.#lost();
    await connection.setLocalDescription();
    await gathered(connection);
    const response = await fetch(`/webrtc?${this.#query}`, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: connection.localDescription.sdp,
    });
    if (!response.ok) throw await refused(response);
    this.#url = response.headers.get("Location");
    const sdp = await response.text();
    if (this.#over) {
      this.#letGo();
      return;
    }
    await connection.setRemoteDescription({ type: "answer", sdp });
    this.#dtmf = sender.dtmf;
    this.#timers.push(
      setTimeout(() => this.#started || this.#end(null, unreachable("")), CONNECT_MS),
      setInterval(() => this.#look(), VITALS_MS),
    );
  }

  #received(message) {
    if (this.#over) return;
    this.#started = true;
    if (message.type === "error" && message.fatal) {
      this.#fatal = new Problem(message.code, message.message);
    }
    // A mark is told when its sound is played, and wants no answer here.
    this.#listen(message.type === "mark" ? { ...message, type: "mark.reached" } : message);
    if (message.type === "hangup") this.#end(message.reason, this.#fatal);
  }

  #lost() {
    const lost = this.#started ? new Problem("connection.lost") : unreachable("");
    this.#end(null, this.#fatal ?? lost);
  }

  async #look() {
    for (const report of (await this.#connection.getStats()).values()) {
      if (report.type === "outbound-rtp") this.sentFrames = report.packetsSent;
      if (report.type !== "inbound-rtp") continue;
      this.receivedFrames = report.packetsReceived;
      const played = report.jitterBufferEmittedCount ?? 0;
      this.audio.vitals = {
        playedSamples: Math.round((played * PAGE_HZ) / OPUS_HZ),
        gaps: report.packetsLost,
        delayS: played ? report.jitterBufferDelay / played : 0,
      };
    }
  }

  /** As the telephone does it, where that was negotiated. */
  dial(digit) {
    if (this.#dtmf?.canInsertDTMF) {
      this.#dtmf.insertDTMF(this.#dtmf.toneBuffer + digit, 100, 50);
    } else {
      this.#send({ type: "dtmf", digit });
    }
  }

  #send(message) {
    if (this.#events.readyState === "open") this.#events.send(JSON.stringify(message));
  }

  /** The person hangs up; the server's last ledger is still waited for, silently. */
  hangUp() {
    if (this.#events.readyState !== "open") {
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
    for (const timer of this.#timers) clearInterval(timer);
    this.audio?.close();
    this.#letGo();
    this.#listen({ type: "over", reason, problem });
  }

  #letGo() {
    this.#connection.close();
    // Where the way was never found, nobody else tells the server.
    if (this.#url && !this.#started) fetch(this.#url, { method: "DELETE", keepalive: true });
  }
}

/** Microphone and loudspeaker of a call, and how loud they are. */
class RtcAudio {
  onlost = () => {};
  vitals = { playedSamples: 0, gaps: 0, delayS: 0 };
  #context = new AudioContext({ latencyHint: "interactive" });
  #speaker = new Audio();

  static async open() {
    const audio = new RtcAudio();
    try {
      audio.microphone = await openMicrophone();
      await audio.#context.resume();
    } catch (error) {
      audio.close();
      throw error instanceof Problem ? error : new Problem("audio.failed", error.message);
    }
    for (const track of audio.microphone.getTracks()) track.onended = () => audio.onlost();
    audio.userLevel = audio.#level(audio.microphone);
    audio.engineLevel = new AnalyserNode(audio.#context, { fftSize: 512 });
    return audio;
  }

  #level(stream, level = new AnalyserNode(this.#context, { fftSize: 512 })) {
    this.#context.createMediaStreamSource(stream).connect(level);
    return level;
  }

  /** Play what the server sends. */
  play(track) {
    const stream = new MediaStream([track]);
    this.#speaker.srcObject = stream;
    this.#speaker.play();
    this.#level(stream, this.engineLevel);
  }

  get rateHz() {
    return OPUS_HZ;
  }

  /** From the network to the ear, in seconds: the jitter buffer, and the loudspeaker's own. */
  get outputLatencyS() {
    return this.vitals.delayS + (this.#context.outputLatency || 0);
  }

  /** Let go of microphone and loudspeaker. Safe to call again. */
  close() {
    this.onlost = () => {};
    for (const track of this.microphone?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#speaker.srcObject = null;
    if (this.#context.state !== "closed") this.#context.close();
  }
}

/** All candidates are in the offer: none are sent after it. */
function gathered(connection) {
  return new Promise((resolve) => {
    const look = () => connection.iceGatheringState === "complete" && resolve();
    connection.onicegatheringstatechange = look;
    setTimeout(resolve, CONNECT_MS / 3); // a STUN server that does not answer
    look();
  });
}

async function refused(response) {
  if (response.status === 503) return refusal();
  const { code, message } = await response.json();
  return new Problem(code, message);
}

function unreachable(detail) {
  return new Problem("webrtc.unreachable", detail);
}
