// A window moved by hand on the page reaches a real MQTT client, whose reports come back; people at the window, motors that fail and
// alarms are seen. The device is the only one that is played, by its own topics.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceView } from "../src/api/types";
import { card, launch, serious, shot, signIn, visit } from "./browser";
import { Casement, until } from "./casement";
import { WindowClient } from "./window";

let casement: Casement, browser: Browser, study: WindowClient;

beforeAll(async () => {
  [casement, browser] = await Promise.all([Casement.start({ engine: true, flags: ["--no-ml"] }), launch()]);
  // A motor that is quick, so that whatever it fails in is known soon.
  await casement.ask("/settings", "PATCH", { settings: { motor_travel_s: 1, min_interval_s: 0, min_move: 0 } });
  await casement.ask("/devices/study", "PATCH", { name: "Study", settings: { opening: { min: 0, max: 80 } } });
  study = await WindowClient.connect(casement, "study");
  await casement.reading("study", "temperature", 23);
  await study.report(40);
  await casement.reading("cellar", "temperature", 12);
});

afterAll(async () => {
  study?.disconnect();
  await browser?.close();
  await casement?.remove();
});

const control = async () => (await casement.ask<DeviceView>("/devices/study")).control;

async function ready() {
  const looked = await visit(browser, casement.url);
  await signIn(looked.page, casement.token);
  await looked.page.goto(`${casement.url}/#/rooms/study`);
  const hand = looked.page.getByRole("region", { name: "Move by hand" });
  await hand.waitFor();
  return { ...looked, hand };
}

/** What is wished ends, so that the next test begins with a window that nobody holds. */
async function giveBack(): Promise<void> {
  if ((await control())?.override) await casement.ask("/devices/study/override", "DELETE");
}

it("goes where it is told, is followed to the window's report, and given back", async () => {
  const { page, wrong, close, hand } = await ready();
  await hand.getByText("May open 0 % to 80 %").waitFor();
  await page.getByLabel(/^Until tomorrow, 0?7:00$/).check();
  await page.getByRole("button", { name: "Close until tomorrow" }).click();
  const command = await study.command();
  expect(command).toMatchObject({ position: 0, origin: "person" });
  await hand.locator("[data-command=sent]").waitFor();
  await hand.getByText("Moving to 0 %").waitFor();
  const { override } = (await control())!;
  const inBerlin = (options: Intl.DateTimeFormatOptions, time: Date) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", ...options }).format(time);
  const tomorrow = inBerlin({ dateStyle: "short" }, new Date(Date.now() + 86_400_000));
  expect(inBerlin({ dateStyle: "short", timeStyle: "short" }, new Date(override!.until!))).toBe(`${tomorrow}, 07:00`);
  // On its way.
  await study.report(20, command);
  await hand.locator("[data-command=received]").waitFor();
  expect(await serious(page)).toEqual([]);
  await shot(page, "hand");
  await study.report(0, command);
  await hand.getByText("Done: the window stands there.").waitFor();
  await hand.locator("[data-stands]").getByText("Shut").waitFor();
  await hand.getByText(/By hand: 0 % until/).waitFor();
  // It is in the room's story: the move with its reason, the wish as an area of the charts.
  const moved = page.getByRole("region", { name: "Moves" }).locator("li").first();
  await moved.getByText("by hand", { exact: true }).waitFor();
  await moved.getByText(/moved by admin on the page/).waitFor();
  await page.locator(".legend .swatch.of-hand").waitFor();
  await page.getByRole("region", { name: "What happened" }).getByText("moved by hand").first().waitFor();
  await hand.getByRole("button", { name: "Let Casement decide again" }).click();
  await hand.locator(".by-hand").waitFor({ state: "detached" });
  expect((await control())!.override).toBeNull();
  expect(wrong).toEqual([]);
  await close();
});

it("is moved by keyboard, within its limits, for two hours unless it is said otherwise", async () => {
  const { page, wrong, close, hand } = await ready();
  const slider = page.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("End");
  expect(await slider.getAttribute("aria-valuetext")).toBe("80 %");
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("button", { name: "Move to 79 %" }).press("Enter");
  const command = await study.command();
  expect(command.position).toBe(79);
  const { since, until: end } = (await control())!.override!;
  expect(Date.parse(end!) - Date.parse(since)).toBe(7_200_000);
  await study.report(79, command);
  await hand.getByText("Done: the window stands there.").waitFor();
  await giveBack();
  expect(wrong).toEqual([]);
  await close();
});

it("keeps what a person says until they say otherwise, and gives way to a hand at the window", async () => {
  const { page, wrong, close, hand } = await ready();
  await page.getByLabel("Until I say so").check();
  await page.getByRole("button", { name: "Open and keep it so" }).click();
  const command = await study.command();
  expect(command.position).toBe(80);
  await hand.getByText("By hand: 80 % until you say so · admin").waitFor();
  expect((await control())!.override!.until).toBeNull();
  await study.report(80, command);
  await hand.getByText("Done: the window stands there.").waitFor();
  await giveBack();
  // Told to shut, but somebody stands at it and opens it instead.
  await casement.ask("/devices/study/override", "PUT", { position: 40 });
  await study.report(40, await study.command());
  await hand.getByText("Done: the window stands there.").waitFor();
  await hand.locator("[data-stands]").getByText("40 % open").waitFor();
  await giveBack();
  await page.getByLabel("2 hours").check();
  await page.getByRole("button", { name: "Close for 2 hours" }).click();
  const unheard = await study.command();
  expect(unheard.position).toBe(0);
  await hand.locator("[data-command=sent]").waitFor();
  await study.report(70);
  await hand.getByText(/By hand: 70 % until .*by the switch at the window/).waitFor();
  await hand
    .locator("[data-command=expired]")
    .getByText(/^Not carried out: somebody or something else came first, or the window could not be told\.$/)
    .waitFor();
  await giveBack();
  expect(wrong).toEqual([]);
  await close();
});

it("is moved on its drawing", async () => {
  const { page, wrong, close, hand } = await ready();
  const box = await until("the drawing is there", () => page.locator(".drawing svg").boundingBox());
  // From where its free edge is to the middle.
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const command = await study.command();
  expect(command.position).toBeGreaterThan(50);
  expect(command.position).toBeLessThanOrEqual(80);
  await study.report(command.position, command);
  await hand.getByText("Done: the window stands there.").waitFor();
  await giveBack();
  expect(wrong).toEqual([]);
  await close();
});

it("shows a person at the window, who was not asked, and offers nothing to who may only look", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  await card(page, "study").waitFor();
  const commands = study.heard.length;
  // Nobody told it to: somebody's hand, once it has stood there for a few seconds.
  await study.report(30);
  await card(page, "study")
    .getByText(/By hand: 30 % until .*by the switch at the window/)
    .waitFor();
  await card(page, "study").getByText("30 % open").waitFor();
  expect(study.heard.length, "nobody moves it against a person").toBe(commands);
  await page.goto(`${casement.url}/#/rooms/study`);
  await page.getByText("Sign in as operator to move this window.").waitFor();
  expect(await page.getByRole("slider").count()).toBe(0);
  await page.getByRole("region", { name: "What happened" }).getByText("moved by hand at the window").first().waitFor();
  await page.goto(`${casement.url}/#/rooms/cellar`);
  await page.getByRole("heading", { name: "cellar", level: 1 }).waitFor();
  expect(await page.getByRole("region", { name: "Move by hand" }).count(), "no window, nothing to move").toBe(0);
  await giveBack();
  expect(wrong).toEqual([]);
  await close();
});

it("shows what an alarm does to it, and that it goes back to what a person wanted", async () => {
  const { page, wrong, close, hand } = await ready();
  await page.getByRole("button", { name: "Open for 2 hours" }).click();
  const opened = await study.command();
  await study.report(80, opened);
  await casement.publish("alarm/smoke", "on");
  const shut = await study.command();
  expect(shut).toMatchObject({ position: 0, origin: "interlock" });
  await study.report(0, shut);
  await hand
    .locator(".interlock")
    .getByText(/there is an alarm/)
    .waitFor();
  await page.locator(".legend .swatch.of-rule").waitFor();
  await page.getByRole("region", { name: "What happened" }).getByText("a safety rule limits the window").first().waitFor();
  await shot(page, "interlock");
  await casement.ask("/devices/study", "PATCH", { settings: { interlocks: { alarm: { on: false } } } });
  const back = await study.command();
  expect(back.position).toBe(80);
  await study.report(80, back);
  await hand.locator(".interlock").waitFor({ state: "detached" });
  await giveBack();
  expect(wrong).toEqual([]);
  await close();
});

it("shows a window that does not move, above the others", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  await casement.ask("/devices/study/override", "PUT", { position: 0 });
  const command = await study.command();
  // It stops half-way, however often it is told.
  await study.report(50, command);
  await card(page, "study").getByText("The window does not move").waitFor();
  const first = () => page.locator("article.room").first().getAttribute("data-device");
  await until("it is above the others", async () => (await first()) === "study");
  await page.getByText(/1 of 2 rooms needs attention/).waitFor();
  await card(page, "study")
    .getByText(/told four times/)
    .waitFor();
  await shot(page, "stuck");
  // Where it was told so, it says what came of it.
  await page.goto(`${casement.url}/#/rooms/study`);
  const told = page.getByRole("region", { name: "Move by hand" }).locator("[data-command=failed]");
  await told.getByText(/^The window did not get there\.$/).waitFor();
  expect(await serious(page)).toEqual([]);
  expect(wrong).toEqual([]);
  await close();
});
