// A sound level in a word: the words and bounds of the model's reasons (crates/ml/src/reason.rs), so that a card and a reason agree.

export type Loudness = "quiet" | "ordinary sound" | "loud";

/** The mean level of the clips that the built-in model was trained on, dBFS: 0.00843 root mean square. */
const TRAINED_DBFS = -41.5,
  /** Twice or half of that amplitude, dB. */
  APART_DB = 6;

/** The word for an equivalent level in dBFS. */
export function loudness(dbfs: number): Loudness {
  if (dbfs <= TRAINED_DBFS - APART_DB) return "quiet";
  return dbfs >= TRAINED_DBFS + APART_DB ? "loud" : "ordinary sound";
}
