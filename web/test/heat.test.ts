import { expect, it } from "vitest";
import { heat } from "../src/compute/heat";

const points = (values: [number, number | null][]) =>
  values.map(([second, mean]) => ({ time: new Date(second * 1000).toISOString(), mean, min: mean, max: mean, readings: 1 }));

it("a map has each row on its own scale, and holes where nothing was measured", () => {
  const [one, other] = heat(
    [
      points([
        [0, -10],
        [1, 10],
        [3, 0],
        [3.5, 10],
      ]),
      points([
        [0, 7],
        [2, null],
      ]),
    ],
    0,
    4,
    4,
  );
  expect([...one!]).toEqual([0, 1, NaN, 0.75]);
  expect([...other!]).toEqual([0.5, NaN, NaN, NaN]);
});

it("a map leaves out what lies outside of its time", () =>
  expect([
    ...heat(
      [
        points([
          [-1, 5],
          [4, 6],
          [1, 7],
        ]),
      ],
      0,
      4,
      2,
    )[0]!,
  ]).toEqual([0.5, NaN]));
