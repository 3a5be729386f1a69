// How fast a year of one device opens, and is zoomed. YEAR names a data directory that `casement generate --devices 1 --days 365` filled;
// without it one is filled, which takes minutes.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { launch, visit } from "./browser";
import { binary, Casement, directory, removeDirectory } from "./casement";
import { median, note } from "./usage";

const ROUNDS = 7,
  GENERATE_MS = 1_800_000,
  QUIET_MS = 700;

let casement: Casement, browser: Browser;
const own = process.env["YEAR"] ? null : directory(),
  data = process.env["YEAR"] ?? own!;

beforeAll(async () => {
  if (own)
    await promisify(execFile)(binary(), ["generate", `--data=${data}`, "--devices=1", "--days=365"], { timeout: GENERATE_MS });
  [casement, browser] = await Promise.all([Casement.start({ engine: true, data }), launch()]);
}, GENERATE_MS);

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
  if (own) removeDirectory(own);
});

/** What charts did since it was asked last, in ms from then: their first drawing, answers of histories, their last drawing. */
interface Told {
  first: number;
  answered: number[];
  last: number;
  charts: number;
}

async function watch(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const drawn = { since: 0, at: [] as number[], canvases: new Set<unknown>() };
    Object.assign(window, { drawn });
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
      drawn.at.push(performance.now());
      drawn.canvases.add(this.canvas);
      clear.apply(this, box);
    };
    performance.setResourceTimingBufferSize(5_000);
  });
}

/** Does something and tells what charts made of it, once nothing happens any more. */
async function told(page: Page, act: () => Promise<void>): Promise<Told> {
  await page.evaluate(() => {
    const begin = () => {
      const { drawn } = window as never as { drawn: { since: number; at: number[]; canvases: Set<unknown> } };
      drawn.since = performance.now();
      drawn.at = [];
      drawn.canvases.clear();
      performance.clearResourceTimings();
    };
    addEventListener("pointerdown", begin, { capture: true, once: true });
    addEventListener("keydown", begin, { capture: true, once: true });
  });
  await act();
  return page.evaluate(async quiet => {
    const { drawn } = window as never as { drawn: { since: number; at: number[]; canvases: Set<unknown> } };
    const histories = () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/histor"));
    const newest = () =>
      Math.max(drawn.since, drawn.at.at(-1) ?? 0, ...histories().map(one => (one as PerformanceResourceTiming).responseEnd));
    while (performance.now() - newest() < quiet) await new Promise(resolve => setTimeout(resolve, 50));
    const since = drawn.since;
    return {
      first: (drawn.at[0] ?? NaN) - since,
      answered: histories().map(one => (one as PerformanceResourceTiming).responseEnd - since),
      last: (drawn.at.at(-1) ?? NaN) - since,
      charts: drawn.canvases.size,
    };
  }, QUIET_MS);
}

function tell(what: string, rounds: Told[]): void {
  const of = (pick: (one: Told) => number) =>
    `${median(rounds.map(pick)).toFixed(0)} ms (most ${Math.max(...rounds.map(pick)).toFixed(0)})`;
  note(
    `${what}: ${rounds[0]!.charts} charts, ${rounds[0]!.answered.length} answers`,
    `first drawing ${of(one => one.first)}, last answer ${of(one => Math.max(...one.answered))}, last drawing ${of(one => one.last)}`,
  );
}

it("a year", async () => {
  const { page, close } = await visit(browser, "about:blank");
  await watch(page);
  const opened: Told[] = [],
    zoomed: Told[] = [],
    moved: Told[] = [],
    out: Told[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.goto(casement.url);
    await page.goto(`${casement.url}/#/rooms/room-001`);
    await page.reload();
    await page.locator("[data-chart=temperature] canvas").waitFor();
    await page.waitForTimeout(1_500);
    // By keyboard, without a pointer that comes near before.
    const year = page.getByRole("button", { name: "1 year" });
    opened.push(await told(page, () => year.dispatchEvent("pointerdown").then(() => year.dispatchEvent("click"))));
    await page.getByRole("group", { name: "History" }).focus();
    zoomed.push(await told(page, () => page.keyboard.press("+")));
    moved.push(await told(page, () => page.keyboard.press("ArrowLeft")));
    out.push(await told(page, () => page.keyboard.press("-")));
    await page.getByRole("button", { name: "1 day" }).click();
  }
  tell("a year opens, from the click", opened);
  tell("+, three fifths of it", zoomed);
  tell("an arrow key, a fifth back", moved);
  tell("−, out again", out);
  await close();
});
