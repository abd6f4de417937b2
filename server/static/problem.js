/** What keeps a call from going on: a stable `code`, which the page puts into plain words. */
export class Problem extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
    this.detail = detail;
  }
}

const MICROPHONE = {
  NotAllowedError: "microphone.refused",
  SecurityError: "microphone.refused",
  NotFoundError: "microphone.none",
  OverconstrainedError: "microphone.none",
  NotReadableError: "microphone.taken",
  AbortError: "microphone.taken",
};

/** Why getUserMedia failed. */
export function microphoneProblem(error) {
  return new Problem(MICROPHONE[error.name] ?? "microphone.failed", error.message);
}

/** Why a call was not taken: a browser cannot read a refused handshake, so /health is asked. */
export async function refusal() {
  try {
    const response = await fetch("/health", { cache: "no-store" });
    const { status, obstacle, parts } = await response.json();
    if (status === "full" || status === "draining") return new Problem(`server.${status}`, obstacle);
    if (status === "broken") {
      const broken = Object.entries(parts).filter(([, state]) => state !== "ok");
      return new Problem("server.broken", broken.map(([name, why]) => `${name}: ${why}`).join("; "));
    }
    return new Problem("server.refused");
  } catch {
    return new Problem("server.unreachable");
  }
}
