// A training's numbers. Pure.

/** A name that no version has: `own-2026-11-27`, with a number behind it where that one is taken. */
export function usualVersion(taken: readonly string[], now: Date): string {
  const name = `own-${now.toISOString().slice(0, 10)}`;
  for (let number = 1; ; number += 1) {
    const tried = number === 1 ? name : `${name}.${number}`;
    if (!taken.includes(tried)) return tried;
  }
}

/** The errors after each pass as a line: from 0 at the bottom to the largest at the top, over all passes. */
export function trainingPath(errors: readonly number[], epochs: number, width: number, height: number): string {
  const most = Math.max(...errors) || 1,
    step = width / Math.max(1, epochs - 1);
  const place = (error: number, at: number) => `${(at * step).toFixed(2)},${(height - (height * error) / most).toFixed(2)}`;
  return `M${errors.map(place).join("L")}`;
}
