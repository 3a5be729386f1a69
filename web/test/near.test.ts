// What is drawn of what is far away.
import { effect, signal } from "@preact/signals";
import { expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("document", { hidden: false, documentElement: { dataset: {} }, addEventListener: () => undefined });
const { now } = await import("../src/state/clock");
const { clockText } = await import("../src/view/Ago");

it("an age grows with the clock where it is seen, and with its turn where it is not", () => {
  const around = { near: signal(true), turn: signal(0) },
    drawn: string[] = [];
  now.value = 1;
  const text = clockText(around, String),
    stop = effect(() => void drawn.push(text.value));
  now.value = 2;
  around.near.value = false;
  now.value = 3;
  expect(drawn, "nobody sees it").toEqual(["1", "2"]);
  around.turn.value += 1;
  expect(drawn, "it is its turn").toEqual(["1", "2", "3"]);
  now.value = 4;
  around.near.value = true;
  expect(drawn, "it comes near").toEqual(["1", "2", "3", "4"]);
  stop();
});
