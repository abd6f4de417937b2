/** What the page says, in French and English. */

const FRENCH = {
  tagline: "Parlez : le moteur répond, et montre ce que chaque réponse a coûté.",
  conversation: "Conversation",
  welcome:
    "Appuyez sur « Appeler », autorisez le micro, puis parlez comme au téléphone. Vous pouvez couper la parole.",
  latency: "Temps de réponse",
  median: "médiane",
  turns: "tours",
  within: "dans le budget",
  noTurns: "Chaque réponse apparaît ici, de votre dernier son à notre premier.",
  vitals: "Connexion",
  you: "Vous",
  keypad: "Clavier",
  key: "touche",
  call: "Appeler",
  callAgain: "Rappeler",
  hangUp: "Raccrocher",
  cut: "coupé ici",
  fallback: "WebRTC ne passe pas sur ce réseau : l'appel se fait par WebSocket.",
  greeting: "accueil",
  noWords: "sans paroles",
  budget: "budget",
  steppedDown: "a dû se passer de",
  interrupted: "interrompu",
  state: {
    ready: "prêt",
    microphone: "autorisez le micro…",
    connecting: "appel…",
    listening: "écoute",
    processing: "réfléchit",
    responding: "parle",
    paused: "en pause",
    closed: "terminé",
  },
  stage: {
    endpointing: "fin de parole",
    transcription: "transcription",
    understanding: "compréhension",
    speech: "voix",
    playout: "diffusion",
  },
  vital: {
    session: "session",
    transport: "transport",
    rate: "fréquence",
    sent: "envoyé",
    received: "reçu",
    played: "joué",
    gaps: "coupures",
    output: "haut-parleur",
  },
  ended: {
    completed: "La conversation est terminée.",
    caller: "Vous avez raccroché.",
    silence: "L'appel s'est terminé faute de réponse.",
    other: "L'appel est terminé.",
  },
  problem: {
    "origin.insecure": [
      "Le navigateur ne donne pas le micro à cette adresse.",
      "Ouvrez la page en https://, ou sur la machine elle-même en http://localhost.",
    ],
    "microphone.refused": [
      "Le micro est refusé à cette page.",
      "Autorisez-le (l'icône à gauche de l'adresse), puis rappelez.",
    ],
    "microphone.none": ["Aucun micro n'est branché.", "Branchez-en un, puis rappelez."],
    "microphone.taken": [
      "Le micro est pris par une autre application.",
      "Fermez-la, puis rappelez.",
    ],
    "microphone.lost": ["Le micro a été débranché.", "Rebranchez-le, puis rappelez."],
    "microphone.failed": ["Le micro ne s'ouvre pas.", "Essayez-en un autre, puis rappelez."],
    "audio.failed": [
      "Le son ne démarre pas dans ce navigateur.",
      "Mettez-le à jour, ou essayez-en un autre.",
    ],
    "server.full": ["Toutes les lignes sont occupées.", "Rappelez dans quelques secondes."],
    "server.draining": ["Le serveur s'arrête.", "Rappelez dans une minute."],
    "server.broken": [
      "Le serveur ne peut pas répondre.",
      "Prévenez la personne qui l'exploite :",
    ],
    "server.refused": ["L'appel n'a pas été pris.", "Rappelez."],
    "server.unreachable": [
      "Le serveur ne répond pas.",
      "Vérifiez la connexion et que « palabre serve » tourne, puis rappelez.",
    ],
    "server.error": ["Le serveur a eu une panne.", "Rappelez ; son journal en dit la cause."],
    "speech.unavailable": [
      "La reconnaissance ou la voix ne fonctionne pas.",
      "Rappelez ; si cela dure, voyez /health.",
    ],
    "client.stalled": ["Cette page a pris trop de retard.", "Fermez d'autres onglets, puis rappelez."],
    "connection.lost": ["La connexion est perdue.", "Vérifiez le réseau, puis rappelez."],
    request: ["L'adresse de la page demande ce que le serveur n'a pas :", ""],
    other: ["L'appel a échoué :", ""],
  },
};

const ENGLISH = {
  tagline: "Speak: the engine answers, and shows what every answer took.",
  conversation: "Conversation",
  welcome:
    "Press “Call”, allow the microphone, then speak as on the telephone. You may interrupt.",
  latency: "Response time",
  median: "median",
  turns: "turns",
  within: "within budget",
  noTurns: "Every answer appears here, from your last sound to our first.",
  vitals: "Connection",
  you: "You",
  keypad: "Keypad",
  key: "key",
  call: "Call",
  callAgain: "Call again",
  hangUp: "Hang up",
  cut: "cut here",
  fallback: "WebRTC does not get through on this network: calling over WebSocket.",
  greeting: "greeting",
  noWords: "no words",
  budget: "budget",
  steppedDown: "had to do without",
  interrupted: "interrupted",
  state: {
    ready: "ready",
    microphone: "allow the microphone…",
    connecting: "calling…",
    listening: "listening",
    processing: "thinking",
    responding: "speaking",
    paused: "paused",
    closed: "ended",
  },
  stage: {
    endpointing: "endpointing",
    transcription: "transcription",
    understanding: "understanding",
    speech: "speech",
    playout: "playout",
  },
  vital: {
    session: "session",
    transport: "transport",
    rate: "sample rate",
    sent: "sent",
    received: "received",
    played: "played",
    gaps: "gaps",
    output: "loudspeaker",
  },
  ended: {
    completed: "The conversation is complete.",
    caller: "You hung up.",
    silence: "The call ended for want of an answer.",
    other: "The call is over.",
  },
  problem: {
    "origin.insecure": [
      "The browser gives no microphone to this address.",
      "Open the page over https://, or on the machine itself at http://localhost.",
    ],
    "microphone.refused": [
      "This page may not use the microphone.",
      "Allow it (the icon beside the address), then call again.",
    ],
    "microphone.none": ["There is no microphone.", "Plug one in, then call again."],
    "microphone.taken": ["Another application holds the microphone.", "Close it, then call again."],
    "microphone.lost": ["The microphone was unplugged.", "Plug it in, then call again."],
    "microphone.failed": ["The microphone does not open.", "Try another one, then call again."],
    "audio.failed": ["Sound does not start in this browser.", "Update it, or try another one."],
    "server.full": ["All lines are busy.", "Call again in a few seconds."],
    "server.draining": ["The server is stopping.", "Call again in a minute."],
    "server.broken": ["The server cannot answer.", "Tell whoever runs it:"],
    "server.refused": ["The call was not taken.", "Call again."],
    "server.unreachable": [
      "The server does not answer.",
      "Check the connection and that “palabre serve” runs, then call again.",
    ],
    "server.error": ["The server had a fault.", "Call again; its log has the cause."],
    "speech.unavailable": [
      "Recognition or voice does not work.",
      "Call again; if it goes on, see /health.",
    ],
    "client.stalled": ["This page fell too far behind.", "Close other tabs, then call again."],
    "connection.lost": ["The connection is lost.", "Check the network, then call again."],
    request: ["The page's address asks for what the server does not have:", ""],
    other: ["The call failed:", ""],
  },
};

const LANGUAGES = { fr: FRENCH, en: ENGLISH };
const KEY = "palabre.language";

export let language = stored() in LANGUAGES ? stored() : "fr";

/** The word at a path such as `state.ready`; undefined if there is none. */
export function word(...path) {
  return path.reduce((words, name) => words?.[name], LANGUAGES[language]);
}

/** Why a call ended, in two sentences: what it is, and what to do. */
export function problemWords({ code, detail }) {
  const known = word("problem", code);
  if (code === "server.broken") return [known[0], `${known[1]} ${detail}`];
  if (known) return known;
  const [what] = word("problem", code.startsWith("request.") ? "request" : "other");
  return [what, detail || code];
}

export function milliseconds(ms) {
  return `${Math.round(ms).toLocaleString(language)}\u00a0ms`;
}

export function seconds(s) {
  return `${s.toLocaleString(language, { maximumFractionDigits: 1 })}\u00a0s`;
}

/** Put the page into `chosen`, and remember it. */
export function speak(chosen) {
  language = chosen;
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Where nothing may be stored, the choice lasts as long as the page.
  }
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(...element.dataset.word.split("."));
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", word(...element.dataset.label.split(".")));
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
