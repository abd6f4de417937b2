/** The page: puts a call's messages where they are seen. */
import { RATE_HZ } from "./audio.js";
import { Call } from "./call.js";
import { Conversation } from "./conversation.js";
import { element } from "./element.js";
import { Meter } from "./meter.js";
import { RtcCall, offered } from "./rtc.js";
import { Waterfalls, legend } from "./waterfall.js";
import { language, milliseconds, problemWords, seconds, speak, word } from "./words.js";

const KEYS = [..."123456789*0#"];
const FRAMES_PER_S = 50;

const at = (id) => document.getElementById(id);
const conversation = new Conversation(at("log"), at("interim"), at("scroll"));
const waterfalls = new Waterfalls(at("waterfalls"), {
  median: at("median"),
  turns: at("turns"),
  within: at("within"),
});
const meters = { user: new Meter(at("meter-user")), engine: new Meter(at("meter-engine")) };

let call = null;
let session = "";
let state = "ready";
let problem = null;
/** The configuration for WebRTC where the server offers it and nothing is in its way. */
let rtc = null;

// A call's messages

function listen(message) {
  switch (message.type) {
    case "connecting":
      meters.user.watch(call.audio.userLevel);
      meters.engine.watch(call.audio.engineLevel);
      show("connecting");
      break;
    case "start":
      session = message.session;
      at("log").lang = message.language;
      if (message.notice) conversation.notice(message.notice);
      show("listening");
      break;
    case "state":
      show(message.state);
      break;
    case "transcript":
      conversation.heard(message.text, message.final);
      break;
    case "reply":
      conversation.reply(message.turn, message.text);
      break;
    case "mark.reached":
      conversation.reached(message.name);
      break;
    case "turn":
      at("no-turns").hidden = true;
      conversation.settle(message);
      waterfalls.add(message);
      break;
    case "error":
      if (!message.fatal) console.warn(message.code, message.message);
      break;
    case "over":
      over(message);
      break;
  }
}

function over(message) {
  drawVitals();
  call = null;
  meters.user.stop();
  meters.engine.stop();
  problem = message.problem;
  if (problem?.code === "webrtc.unreachable") {
    rtc = null;
    conversation.remark(word("fallback"));
    startCall();
    return;
  }
  if (!problem) conversation.remark(word("ended", message.reason) ?? word("ended", "other"));
  show("closed");
}

// What is seen of it

function show(now) {
  state = now;
  document.body.dataset.state = state;
  at("state-word").textContent = word("state", state) ?? state;
  const again = state === "closed" ? word("callAgain") : word("call");
  at("call-word").textContent = call ? word("hangUp") : again;
  at("call").classList.toggle("running", Boolean(call));
  const connected = Boolean(call?.audio) && state !== "connecting";
  at("keypad-toggle").disabled = !connected;
  if (!connected) openKeypad(false);
  at("problem").hidden = !problem;
  const [what, remedy] = problem ? problemWords(problem) : ["", ""];
  at("problem-what").textContent = what;
  at("problem-remedy").textContent = remedy;
  at("problem").dataset.code = problem?.code ?? "";
}

function drawVitals() {
  if (!call?.audio) return;
  const { playedSamples, gaps } = call.audio.vitals;
  const rows = {
    session,
    transport: call.transport,
    rate: `${call.audio.rateHz.toLocaleString(language)} Hz`,
    sent: seconds(call.sentFrames / FRAMES_PER_S),
    received: seconds(call.receivedFrames / FRAMES_PER_S),
    played: seconds(playedSamples / RATE_HZ),
    gaps,
    output: milliseconds(call.audio.outputLatencyS * 1000),
  };
  at("vitals").replaceChildren(
    ...Object.entries(rows).map(([name, value]) =>
      element("div", {}, element("dt", {}, word("vital", name)), element("dd", {}, `${value}`)),
    ),
  );
  // For whoever automates the page.
  Object.assign(at("vitals").dataset, {
    sentFrames: call.sentFrames,
    receivedFrames: call.receivedFrames,
    playedSamples,
    gaps,
    peak: meters.engine.peak,
  });
}

function drawMeters() {
  meters.user.draw();
  meters.engine.draw();
  requestAnimationFrame(drawMeters);
}

// What can be done

function startCall() {
  problem = null;
  session = "";
  at("welcome").hidden = true;
  conversation.begin();
  waterfalls.begin();
  const query = new URLSearchParams(location.search);
  call = rtc ? new RtcCall(rtc, query, listen) : new Call(query, listen);
  call.start();
  show("microphone");
}

function openKeypad(open) {
  at("keypad").hidden = !open;
  at("keypad-toggle").setAttribute("aria-expanded", open);
}

function press(digit) {
  call?.dial(digit);
  conversation.remark(`${word("key")} ${digit}`);
}

function changeLanguage(chosen) {
  speak(chosen);
  const other = chosen === "fr" ? "en" : "fr";
  at("language").textContent = other.toUpperCase();
  at("language").lang = other;
  at("language").title = other === "en" ? "English" : "Français";
  legend(at("legend"));
  waterfalls.redraw();
  show(state);
}

at("keypad").append(...KEYS.map((digit) => element("button", { type: "button" }, digit)));
at("keypad").addEventListener("click", ({ target }) => {
  if (target.matches("button")) press(target.textContent);
});
at("keypad").addEventListener("keydown", ({ key }) => {
  if (KEYS.includes(key)) press(key);
  if (key !== "Escape") return;
  openKeypad(false);
  at("keypad-toggle").focus();
});
at("keypad-toggle").addEventListener("click", () => openKeypad(at("keypad").hidden));
at("call").addEventListener("click", () => (call ? call.hangUp() : startCall()));
at("language").addEventListener("click", () => changeLanguage(at("language").lang));
addEventListener("pagehide", () => call?.hangUp());

offered(new URLSearchParams(location.search)).then((configuration) => {
  rtc = configuration;
  document.body.dataset.transport = rtc ? "webrtc" : "websocket";
});
changeLanguage(language);
setInterval(drawVitals, 500);
drawMeters();
