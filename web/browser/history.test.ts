// A room's history while it is looked at: late data, ClickHouse that goes and comes back, a window that stands where it stood.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, shot, visit } from "./browser";
import { Casement, until } from "./casement";
import { Engine } from "./engine";

let engine: Engine, casement: Casement, browser: Browser;

beforeAll(async () => {
  [engine, browser] = await Promise.all([Engine.start(), launch()]);
  casement = await Casement.start({ clickhouse: engine.url, flags: ["--no-ml"] });
  await casement.reading("attic", "temperature", 13);
  await casement.reading("attic", "temperature", 14);
  // The window was left open a day ago, and said nothing until just now.
  await casement.publish("window/attic/state", { position: 65, timestamp: new Date(Date.now() - 86_400_000).toISOString() });
  await casement.publish("window/attic/state", { position: 20, timestamp: new Date().toISOString() });
});

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
  await engine?.remove();
});

/** What a chart says of itself: the least and the most that it shows. */
const spread = (page: Page, quantity: string) => page.locator(`[data-chart=${quantity}] figcaption .quiet`);

async function lastHour(): Promise<Awaited<ReturnType<typeof visit>>> {
  const looked = await visit(browser, `${casement.url}/#/rooms/attic`);
  await looked.page.getByRole("button", { name: "1 h", exact: true }).click();
  await looked.page.locator("[data-chart=temperature] canvas").waitFor();
  return looked;
}

it("shows late data in their place while somebody looks", async () => {
  const { page, wrong, close } = await lastHour();
  await spread(page, "temperature").getByText("13.0 °C – 14.0 °C").waitFor();
  const earlier = new Date(Date.now() - 1_200_000).toISOString();
  await casement.publish("sensor/attic/temperature", { value: 4.5, timestamp: earlier });
  await spread(page, "temperature").getByText("4.5 °C – 14.0 °C").waitFor();
  expect(await page.locator(".readings [data-quantity=temperature] dd").first().textContent()).toBe("14.0 °C");
  expect(wrong).toEqual([]);
  await close();
});

it("shows where a window stood though it said so before the range began", async () => {
  const { page, wrong, close } = await lastHour();
  await spread(page, "position").getByText("20 % – 65 %").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("shows as an area when a device was away, and what an event was where the pointer is", async () => {
  const { page, wrong, close } = await lastHour();
  const status = (word: string) => casement.publish("device/attic/status", { status: word, timestamp: new Date().toISOString() });
  await status("offline");
  await page.locator(".legend .swatch.of-away").waitFor();
  await page.getByRole("region", { name: "What happened" }).getByText("offline").first().waitFor();
  const box = await until("the chart is there", () => page.locator("[data-chart=temperature] .u-over").boundingBox());
  await page.mouse.move(box.x + box.width - 2, box.y + 20);
  await page.locator(".legend .pointed").getByText("offline").waitFor();
  await status("online");
  await page.getByRole("region", { name: "What happened" }).getByText("online").first().waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("goes on live while ClickHouse is away, says so, and has everything when it is back", async () => {
  const { page, wrong, close } = await lastHour();
  await engine.end();
  await casement.reading("attic", "temperature", 15.5);
  await page.locator(".readings").getByText("15.5 °C").waitFor();
  await page.getByText("ClickHouse is away: live values go on").waitFor();
  await page.getByText("The history is not available now").waitFor();
  expect(await page.locator(".plots.old canvas").count(), "what was there stays, and looks old").toBeGreaterThan(0);
  await casement.reading("attic", "temperature", 16.5);
  await page.locator(".readings").getByText("16.5 °C").waitFor();
  await shot(page, "clickhouse-away");
  await engine.begin();
  await page.getByText("The history is not available now").waitFor({ state: "detached" });
  await page.getByText("ClickHouse is away").waitFor({ state: "detached" });
  // The device goes on, as devices do.
  const goesOn = setInterval(() => void casement.reading("attic", "temperature", 14), 2_000);
  try {
    await until(
      "what came meanwhile is there",
      async () => (await spread(page, "temperature").textContent())?.startsWith("4.5 °C – 16.5 °C"),
      60_000,
    );
  } finally {
    clearInterval(goesOn);
  }
  expect(wrong).toEqual([]);
  await close();
});
