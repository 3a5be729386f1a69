// How fast the page is while rooms live: first paint, from acknowledgement to screen, what it costs browser and service.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { card, launch, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";
import { everySecond, Publisher } from "./publisher";
import { median, note, percentOf, shares } from "./usage";

const ids = (count: number) => Array.from({ length: count }, (_, at) => `room-${at}`);
const STARTS = 5,
  MESSAGES = 40,
  LOOK_S = 20;

let casement: Casement, browser: Browser, publisher: Publisher;

beforeAll(async () => {
  casement = await Casement.start({ engine: true });
  publisher = await Publisher.connect(casement);
  for (const id of ids(10)) await publisher.reading(id, "temperature", 20);
  browser = await launch();
});

afterAll(async () => {
  await publisher?.end();
  await browser?.close();
  await casement?.remove();
});

it("first paint, with a browser that was just started and knows nothing of the page", async () => {
  const painted: number[] = [],
    shown: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const fresh = await launch();
    const { page, close } = await visit(fresh, casement.url);
    await card(page, "room-0").locator("[data-quantity=temperature]").waitFor();
    const at = await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
      now: performance.now(),
    }));
    painted.push(at.paint);
    shown.push(at.now);
    await close();
    await fresh.close();
  }
  note(
    `first contentful paint, ${STARTS} starts of the browser`,
    `median ${median(painted).toFixed(0)} ms, most ${Math.max(...painted).toFixed(0)} ms`,
  );
  note("until rooms are there (looked at from outside)", `median ${median(shown).toFixed(0)} ms`);
});

it("from the broker's acknowledgement to the screen", async () => {
  const { page, close } = await visit(browser, casement.url);
  const degrees = card(page, "room-0").locator("[data-quantity=temperature]");
  await degrees.waitFor();
  // The time of each text, once the frame that shows it is due.
  await degrees.evaluate(element => {
    const seen: Record<string, number> = {};
    Object.assign(window, { seen });
    new MutationObserver(() =>
      requestAnimationFrame(() => (seen[element.textContent!] ??= performance.timeOrigin + performance.now())),
    ).observe(element, { subtree: true, childList: true, characterData: true });
  });
  const took: number[] = [];
  for (let at = 0; at < MESSAGES; at++) {
    const value = 21 + at / 10,
      text = `${value.toFixed(1)} °C`;
    const acknowledged = await publisher.reading("room-0", "temperature", value);
    await until(`${text} is shown`, async () => (await degrees.textContent()) === text);
    const shown = await until("its frame", () =>
      page.evaluate(key => (window as never as { seen: Record<string, number> }).seen[key], text),
    );
    took.push(shown - acknowledged);
    await new Promise(resolve => setTimeout(resolve, 100 + 37 * (at % 7)));
  }
  const sorted = took.sort((one, other) => one - other);
  note(
    `from the acknowledgement to the frame, ${MESSAGES} messages`,
    `median ${median(sorted).toFixed(0)} ms, ${sorted[0]!.toFixed(0)} to ${sorted.at(-1)!.toFixed(0)} ms`,
  );
  await close();
});

it("what ten devices at a message a second cost", async () => {
  const stop = everySecond(publisher, ids(10));
  const alone = await shares(browser, casement.program.pid, LOOK_S);
  const { page, close } = await visit(browser, casement.url);
  await card(page, "room-0").waitFor();
  await page.waitForTimeout(3_000);
  const looked = await shares(browser, casement.program.pid, LOOK_S);
  note("10 devices, 1 message a second each: the browser's renderer", percentOf(looked.renderer));
  note("its other processes", percentOf(looked.others));
  note("the service and its engine without a page", percentOf(alone.server));
  note("the same with the page, beyond that", percentOf(looked.server - alone.server));
  await stop();
  await close();
});

it("a hundred rooms at a message a second each", async () => {
  for (const id of ids(100)) await publisher.reading(id, "temperature", 20);
  const stop = everySecond(publisher, ids(100));
  const { page, close } = await visit(browser, casement.url, { viewport: SIZES.laptop });
  await until("a hundred cards", async () => (await page.locator("article.room").count()) === 100);
  await page.waitForTimeout(5_000);
  await page.evaluate(() => {
    const long: number[] = [];
    Object.assign(window, { long });
    new PerformanceObserver(list => long.push(...list.getEntries().map(entry => entry.duration))).observe({ type: "longtask" });
  });
  const looked = await shares(browser, casement.program.pid, 10);
  const long = await page.evaluate(() => (window as never as { long: number[] }).long);
  note("100 rooms, 1 message a second each: the browser's renderer", percentOf(looked.renderer));
  note("tasks above 50 ms in 10 s", long.length ? `${long.length}, the longest ${Math.max(...long)} ms` : "none");
  // The same while somebody scrolls.
  await page.evaluate(() => ((window as never as { long: number[] }).long.length = 0));
  for (let step = 0; step < 100; step++) {
    await page.mouse.wheel(0, step < 50 ? 120 : -120);
    await page.waitForTimeout(100);
  }
  const scrolled = await page.evaluate(() => (window as never as { long: number[] }).long);
  note(
    "the same while they are scrolled for 10 s",
    scrolled.length ? `${scrolled.length}, the longest ${Math.max(...scrolled)} ms` : "none",
  );
  await stop();
  await close();
});
