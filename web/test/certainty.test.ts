import { describe, expect, it } from "vitest";
import { band80, inverseErf } from "../src/compute/certainty";

describe("the inverse of the error function", () => {
  // Abramowitz and Stegun, table 7.1, read backwards.
  it.each([
    [0.112462916, 0.1],
    [0.5204998778, 0.5],
    [0.8427007929, 1],
    [0.995322265, 2],
    [-0.8427007929, -1],
  ])("of %f is %f", (value, expected) => expect(inverseErf(value)).toBeCloseTo(expected, 5));
});

describe("the band of 80 %", () => {
  it("is 10 points to each side where 80 % lie within 10 points", () => {
    const { low, high } = band80(50, 0.8)!;
    expect([low, high]).toEqual([expect.closeTo(40, 3), expect.closeTo(60, 3)]);
  });
  it("widens with doubt", () => expect(band80(50, 0.3)!.high - band80(50, 0.3)!.low).toBeGreaterThan(40));
  it("stays between shut and open", () => {
    expect(band80(2, 0.3)!.low).toBe(0);
    expect(band80(99, 0.3)!.high).toBe(100);
  });
  it("says nothing without confidence", () => expect([band80(50, 0), band80(50, NaN)]).toEqual([null, null]));
  it("is narrow and finite for a model that is certain", () => {
    const { low, high } = band80(50, 1)!;
    expect(high - low).toBeGreaterThan(0);
    expect(high - low).toBeLessThan(8);
  });
});
