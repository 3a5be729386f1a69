// The pictures of README and documents: `make pictures` writes them into docs/pictures. A house at half past eight: one window is held
// by a person, one device is away.
import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceView } from "../src/api/types";
import { card, launch, signIn, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";
import { furnish, ROOMS } from "./house";

const OUT = process.env["PICTURES"] ?? join(dirname(fileURLToPath(import.meta.url)), "../../docs/pictures");
/** A picture that is larger is none for a README. */
const MOST_BYTES = 150_000;
const SHOWN = "sim-002";

let casement: Casement, browser: Browser;

beforeAll(async () => {
  mkdirSync(OUT, { recursive: true });
  [casement, browser] = await Promise.all([Casement.start({ engine: true, flags: [`--simulate=${ROOMS.length}`] }), launch()]);
  await furnish(casement);
  await casement.reading("cellar", "temperature", 12.4);
  await casement.reading("cellar", "humidity", 71);
  await casement.ask("/devices/cellar", "PATCH", { name: "Cellar", location: "Ground floor" });
  await casement.publish("device/cellar/status", { status: "offline", timestamp: new Date().toISOString() });
  await casement.ask("/devices/sim-004/override", "PUT", { position: 35, for_s: 7_200 });
  await until("the window got there", async () => {
    const { control } = await casement.ask<DeviceView>("/devices/sim-004");
    return control?.command?.state === "reached";
  });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
});

async function picture(page: Page, name: string): Promise<void> {
  const path = join(OUT, `${name}.png`);
  await page.screenshot({ path });
  expect(statSync(path).size, name).toBeLessThan(MOST_BYTES);
}

async function settled(page: Page): Promise<void> {
  await page.locator(".spark svg, [data-chart] canvas").first().waitFor();
  await page.waitForTimeout(3_000);
}

for (const [colorScheme, name] of [
  ["light", "page"],
  ["dark", "page-dark"],
] as const) {
  it(`rooms, ${colorScheme}`, async () => {
    const { page, close } = await visit(browser, casement.url, { colorScheme, viewport: { width: 1180, height: 860 } });
    await signIn(page, casement.token);
    await card(page, SHOWN).waitFor();
    await settled(page);
    await picture(page, name);
    await close();
  });
}

it("a room", async () => {
  const { page, close } = await visit(browser, casement.url, { viewport: { width: 1180, height: 860 } });
  await signIn(page, casement.token);
  await page.goto(`${casement.url}/#/rooms/sim-004`);
  await page.getByRole("button", { name: "1 day" }).click();
  await page.locator(".legend .swatch").first().waitFor();
  await settled(page);
  await picture(page, "page-room");
  await close();
});

it("a telephone", async () => {
  const { page, close } = await visit(browser, casement.url, {
    viewport: SIZES.phone,
    deviceScaleFactor: 1.5,
    isMobile: true,
    hasTouch: true,
    colorScheme: "dark",
  });
  await signIn(page, casement.token);
  await page.goto(`${casement.url}/#/rooms/sim-004`);
  await settled(page);
  await picture(page, "page-phone");
  await close();
});
