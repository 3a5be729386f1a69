// Every screen, in both themes and three sizes, with simulated rooms and their history: readable, usable, nothing too wide.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { card, expectNoSideways, launch, PATIENCE, serious, shot, signIn, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";
import { furnish, ROOMS } from "./house";

let casement: Casement, browser: Browser;
const SCREENS = ["", "rooms/sim-002", "devices", "schedules", "model", "system", "accounts"];

beforeAll(async () => {
  [casement, browser] = await Promise.all([Casement.start({ engine: true, flags: [`--simulate=${ROOMS.length}`] }), launch()]);
  await furnish(casement, 720);
  await casement.reading("cellar", "temperature", 12);
  await casement.publish("device/cellar/status", { status: "offline", timestamp: new Date().toISOString() });
  await casement.ask("/devices/sim-002/override", "PUT", { position: 55, for_s: 3_600 });
  await until("a move is stored", async () => (await casement.ask<unknown[]>("/devices/sim-002/commands")).length > 0);
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
});

for (const colorScheme of ["light", "dark"] as const) {
  it(`is for everybody (${colorScheme})`, async () => {
    const { page, wrong, close } = await visit(browser, casement.url, { colorScheme });
    await signIn(page, casement.token);
    for (const screen of SCREENS) {
      await page.setViewportSize(SIZES.laptop);
      await page.goto(`${casement.url}/#/${screen}`);
      await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
      await until(`${screen} has loaded`, async () => (await page.getByText("One moment …").count()) === 0, PATIENCE);
      if (screen.startsWith("rooms/")) await page.locator("[data-chart=temperature] canvas").waitFor();
      expect(await serious(page), screen).toEqual([]);
      for (const [name, size] of Object.entries(SIZES)) {
        await page.setViewportSize(size);
        await expectNoSideways(page, `${screen} ${name}`);
        await shot(page, `${screen.split("/")[0] || "home"}-${name}-${colorScheme}`);
      }
    }
    expect(wrong).toEqual([]);
    await close();
  });
}

it("is for those who asked their system for more contrast, or the page, on every screen", async () => {
  const { page, wrong, close } = await visit(browser, casement.url, { contrast: "more" });
  await signIn(page, casement.token);
  const look = async (screens: string[], how: string) => {
    for (const screen of screens) {
      await page.goto(`${casement.url}/#/${screen}`);
      await page.getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
      await until(`${screen} has loaded`, async () => (await page.getByText("One moment …").count()) === 0, PATIENCE);
      expect(await serious(page), `${screen}, ${how}`).toEqual([]);
      await shot(page, `${screen.split("/")[0] || "home"}-contrast-${how}`);
    }
  };
  const ink = (name: string) =>
    page.evaluate(key => getComputedStyle(document.documentElement).getPropertyValue(key).trim(), `--${name}`);
  expect(await ink("soft"), "quiet text is as strong as the rest").toBe(await ink("ink"));
  await look(SCREENS.slice(0, 3), "system");
  await page.getByRole("button", { name: "View" }).click();
  await page.getByLabel("Colours").selectOption("contrast");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  expect(await ink("ground")).toBe("#000");
  await look(SCREENS, "page");
  expect(wrong).toEqual([]);
  await close();
});

it("shows on a card what is heard, the last hours as a line, and how long a hand lasts", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  const kitchen = card(page, "sim-002");
  await kitchen
    .locator("[data-quantity=sound] dd")
    .getByText(/^(quiet|ordinary|loud) -?−?\d+ dBFS$/)
    .waitFor();
  await kitchen
    .locator(".by-hand")
    .getByText(/By hand: 55 % until .* · \d+ min left$/)
    .waitFor();
  const line = kitchen.getByRole("img", { name: /^Temperature over the last 12 hours: -?[\d.]+ °C to [\d.]+ °C$/ });
  await line.waitFor();
  const drawn = await line.locator("path.mean").getAttribute("d");
  expect(drawn?.match(/L/g)?.length ?? 0, "a line of many points").toBeGreaterThan(20);
  expect(wrong).toEqual([]);
  await close();
});

it("shows what the model predicts with its band, and each of its moves with what weighed", async () => {
  const decided = await until(
    "the model has moved a window",
    async () => {
      for (const [device_id] of ROOMS.slice(2)) {
        const commands = await casement.ask<{ model_version: string }[]>(`/devices/${device_id}/commands`);
        if (commands.some(({ model_version }) => model_version)) return device_id;
      }
      return null;
    },
    60_000,
  );
  const { page, wrong, close } = await visit(browser, `${casement.url}/#/rooms/${decided}`);
  await page.getByRole("button", { name: "1 h", exact: true }).click();
  await page.locator("[data-chart=position] figcaption").getByText("with the model's 80 % band").waitFor();
  await page.locator("[data-chart=position] canvas").waitFor();
  const moved = page
    .getByRole("region", { name: "Moves" })
    .locator("li")
    .filter({ has: page.locator(".contributions") })
    .first();
  await moved.getByText("model", { exact: true }).waitFor();
  await moved
    .locator(".why")
    .getByText(/\d+ % sure/)
    .waitFor();
  expect((await moved.locator(".why").textContent())!.length, "a reason in words").toBeGreaterThan(20);
  await moved.locator(".contributions dt").getByText("Humidity", { exact: true }).waitFor();
  expect(await moved.locator(".contributions rect").count()).toBe(3);
  await moved
    .locator(".guard")
    .getByText(/\d+\.\d standard deviations from/)
    .waitFor();
  await shot(page, "predicted", true);
  expect(wrong).toEqual([]);
  await close();
});

it("is for those who need more contrast, and for a phone", async () => {
  const { page, wrong, close } = await visit(browser, casement.url, { viewport: SIZES.phone, hasTouch: true, isMobile: true });
  await page.getByRole("button", { name: "View" }).click();
  await page.getByLabel("Colours").selectOption("contrast");
  expect(await serious(page)).toEqual([]);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await card(page, "sim-002").getByRole("link", { name: "Kitchen" }).tap();
  await page.getByRole("heading", { name: "Kitchen", level: 1 }).waitFor();
  await page.locator("[data-chart=temperature] canvas").waitFor();
  expect(await serious(page)).toEqual([]);
  await expectNoSideways(page, "room");
  expect(wrong).toEqual([]);
  await close();
});

it("moves through time by keyboard and pointer, back to now, and shows each move with its reason", async () => {
  const { page, wrong, close } = await visit(browser, `${casement.url}/#/rooms/sim-002`);
  const chart = page.locator("[data-chart=temperature] canvas"),
    span = page.locator(".range .span"),
    plots = page.getByRole("group", { name: "History" });
  await chart.waitFor();
  await page.getByRole("button", { name: "1 year" }).click();
  const lastYear = String(new Date().getFullYear() - 1);
  await until("a year is shown", async () => (await span.getAttribute("title"))?.includes(lastYear));
  await page.getByRole("button", { name: "1 h", exact: true }).click();
  await until("an hour is shown", async () => (await span.textContent())?.endsWith("now"));
  await plots.focus();
  await page.keyboard.press("ArrowLeft");
  await until("the hour has ended before now", async () => !(await span.textContent())?.endsWith("now"));
  const before = await span.textContent();
  await page.keyboard.press("-");
  await until("more is shown", async () => (await span.textContent()) !== before);
  await page.keyboard.press("Home");
  await until("now is shown", async () => (await span.textContent())?.endsWith("now"));
  await chart.waitFor();
  const box = await until("the chart is there", () => page.locator("[data-chart=temperature] .u-over").boundingBox());
  await page.mouse.move(box.x + box.width * 0.2, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 30, { steps: 6 });
  await page.mouse.up();
  await page.getByRole("button", { name: "Now", exact: true }).click();
  await until("now is shown again", async () => (await span.textContent())?.endsWith("now"));
  await page.locator("#moves ~ .moves li").first().waitFor();
  expect(wrong).toEqual([]);
  await close();
});
