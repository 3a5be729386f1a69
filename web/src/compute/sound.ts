// A sound level in a word. dBFS is relative to the microphone's full scale, so words are coarse.

export type Loudness = "silent" | "quiet" | "audible" | "lively" | "loud";

const STEPS: [number, Loudness][] = [
  [-62, "silent"],
  [-48, "quiet"],
  [-36, "audible"],
  [-22, "lively"],
];

/** The word for an equivalent level in dBFS. */
export function loudness(dbfs: number): Loudness {
  return STEPS.find(([below]) => dbfs < below)?.[1] ?? "loud";
}
