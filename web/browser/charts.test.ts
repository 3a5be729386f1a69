// A room's charts without mouse or eyes: by buttons, fingers and table, in the colours of the system, with lists that go on.
import type { Browser, CDPSession, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectNoSideways, launch, serious, shot, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";

let casement: Casement, browser: Browser;

beforeAll(async () => {
  [casement, browser] = await Promise.all([Casement.start({ engine: true, flags: ["--no-ml"] }), launch()]);
  await casement.reading("attic", "temperature", 13);
  await casement.reading("attic", "temperature", 14);
  await casement.publish("window/attic/state", { position: 65, timestamp: new Date(Date.now() - 86_400_000).toISOString() });
  await casement.publish("window/attic/state", { position: 20, timestamp: new Date().toISOString() });
});

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
});

const chart = (page: Page, name: string) => page.locator(`[data-chart=${name}]`);

async function lastHour(options: Parameters<typeof visit>[2] = {}): Promise<Awaited<ReturnType<typeof visit>>> {
  const looked = await visit(browser, `${casement.url}/#/rooms/attic`, options);
  const button = looked.page.getByRole("button", { name: "1 h", exact: true });
  // Where there is touch there is no mouse, which would take the pointer back to where it was.
  await (options.hasTouch ? button.tap() : button.click());
  await chart(looked.page, "position").locator("canvas").waitFor();
  return looked;
}

/** The range that is pressed; empty where it is none of them. */
const pressed = async (page: Page): Promise<string> =>
  (await page.locator(".range [aria-pressed=true]").allTextContents()).join();
const followsNow = async (page: Page): Promise<boolean> => /now$/.test((await page.locator(".range .span").textContent()) ?? "");

/** Fingers on a chart, from shares of its width to others. */
async function drag(session: CDPSession, plot: Locator, from: number[], to: number[]): Promise<void> {
  const box = (await plot.boundingBox())!;
  const points = (shares: number[]) =>
    shares.map((share, id) => ({ x: box.x + share * box.width, y: box.y + box.height / 2, id }));
  const send = (type: "touchStart" | "touchMove" | "touchEnd", shares: number[]) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints: points(shares) });
  await send("touchStart", from);
  for (let step = 1; step <= 8; step++)
    await send(
      "touchMove",
      from.map((share, at) => share + ((to[at]! - share) * step) / 8),
    );
  await send("touchEnd", []);
}

it("are moved and zoomed on a phone, by buttons and by fingers", async () => {
  const { page, wrong, close } = await lastHour({ viewport: SIZES.phone, hasTouch: true, isMobile: true });
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  expect(await button("Later").getAttribute("aria-disabled"), "nothing is later than now").toBe("true");
  await button("Earlier").tap();
  await until("an hour of before is shown", async () => !(await followsNow(page)));
  await button("Later").tap();
  await until("now is shown again", () => followsNow(page));
  await button("Zoom out").tap();
  await until("it is longer than any range", async () => (await pressed(page)) === "");
  await button("Zoom in").tap();
  await until("it is an hour again", async () => (await pressed(page)) === "1 h");

  const plot = chart(page, "position").locator(".u-over");
  await plot.scrollIntoViewIfNeeded();
  await plot.tap();
  await chart(page, "position").locator(".readout").getByText("%").waitFor();
  // A browser may take the tap after a drag to be its end.
  const backToNow = () =>
    until("now is shown again", async () => {
      if (await followsNow(page)) return true;
      await button("Now").tap({ timeout: 1_000 });
      return false;
    });
  const session = await page.context().newCDPSession(page);
  await drag(session, plot, [0.3], [0.8]);
  await until("a finger moved it", async () => !(await followsNow(page)));
  await backToNow();
  await drag(session, plot, [0.4, 0.6], [0.1, 0.9]);
  await until("two fingers zoomed it", async () => !(await followsNow(page)));
  await backToNow();
  expect(await pressed(page), "it is no hour any more").toBe("");
  await expectNoSideways(page, "a room on a phone");
  await shot(page, "charts-phone");
  expect(wrong).toEqual([]);
  await close();
});

/** Whether a chart is drawn in a colour of the style sheet. */
const isInked = (page: Page, name: string): Promise<boolean> =>
  page.evaluate(name => {
    const probe = document.createElement("p");
    probe.style.color = "var(--accent)";
    document.body.append(probe);
    const wanted = getComputedStyle(probe).color.match(/\d+/g)!.map(Number);
    probe.remove();
    const canvas = document.querySelector<HTMLCanvasElement>(`[data-chart=${name}] canvas`)!;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3]! > 100 && wanted.every((part, channel) => Math.abs(part - data[at + channel]!) < 12)) return true;
    return false;
  }, name);

it("are drawn anew when the system turns dark, and light again", async () => {
  const { page, wrong, close } = await lastHour();
  await until("it is drawn in light colours", () => isInked(page, "position"));
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await until(`it is drawn in ${colorScheme} colours`, () => isInked(page, "position"));
  }
  expect(wrong).toEqual([]);
  await close();
});

it("are a table, too", async () => {
  const { page, wrong, close } = await lastHour();
  await page.getByText("History as a table").click();
  const rows = page.locator(".history-table tbody tr");
  await rows.filter({ hasText: "14.0 °C" }).first().waitFor();
  await rows.filter({ hasText: "20 %" }).first().waitFor();
  expect(await rows.count()).toBeLessThanOrEqual(33);
  expect(await serious(page)).toEqual([]);
  await shot(page, "charts-table");
  expect(wrong).toEqual([]);
  await close();
});

it("say what they leave out of a long range, and lists go on when they are told to", async () => {
  for (let time = 0; time < 30; time++) {
    const status = time % 2 ? "online" : "offline";
    await casement.publish("device/attic/status", { status, timestamp: new Date().toISOString() });
  }
  const { page, wrong, close } = await lastHour();
  const happened = page.getByRole("region", { name: "What happened" });
  await until("as many as there is room for", async () => (await happened.locator("li").count()) === 25);
  await happened.getByRole("button", { name: "Show more" }).click();
  await until("more are there", async () => (await happened.locator("li").count()) > 25);
  await happened.getByRole("button", { name: "Show more" }).waitFor({ state: "detached" });
  await page.getByText("predictions are drawn over").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "1 year", exact: true }).click();
  await page.getByText("What happened is marked over up to 34 days").waitFor();
  await page.getByText("predictions are drawn over up to 8 days").waitFor();
  expect(wrong).toEqual([]);
  await close();
});
