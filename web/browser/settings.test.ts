// What a person sets up on the page: schedules, limits and interlocks; a window shut until tomorrow.
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceSettings, DeviceView } from "../src/api/types";
import { card, expectNoSideways, launch, serious, shot, signIn, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";

let casement: Casement, browser: Browser;

const now = () => new Date().toISOString();

beforeAll(async () => {
  [casement, browser] = await Promise.all([Casement.start(), launch()]);
  for (const [id, name, location] of [
    ["kitchen", "Kitchen", "Ground floor"],
    ["bath", "Bath", "Ground floor"],
  ] as const) {
    await casement.reading(id, "temperature", 21.5);
    await casement.publish(`window/${id}/state`, { position: 60, timestamp: now() });
    await casement.ask(`/devices/${id}`, "PATCH", { name, location });
  }
  await casement.reading("garden", "rain", 0);
  await casement.ask("/devices/garden", "PATCH", { name: "Garden", location: "Outside" });
  await casement.ask("/settings", "PATCH", { settings: { outdoor_sensor: "garden", time_zone: "Europe/Berlin" } });
  await casement.ask(`/groups/${encodeURIComponent("Ground floor")}`, "PATCH", {
    settings: {
      opening: { max: 70 },
      quiet_hours: [{ from: "22:00", until: "06:30" }],
      schedules: { evening: { kind: "fixed", at: "20:00", position: 0 } },
    },
  });
});

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
});

const settings = (id: string) => casement.ask<DeviceSettings>(`/devices/${id}/settings`);

async function open(page: Page, id: string): Promise<Locator> {
  await page.goto(`${casement.url}/#/schedules/${id}`);
  const form = page.getByRole("form", { name: "Schedules, limits and interlocks" });
  await form.waitFor();
  await until(`the form of ${id}`, async () => (await page.getByLabel("Settings of").inputValue()) === `device ${id}`);
  return form;
}

async function asAdmin(options = {}) {
  const visitor = await visit(browser, `${casement.url}/sign-in`, options);
  await signIn(visitor.page, casement.token);
  return visitor;
}

/** Goes to an element by the keyboard alone. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  const handle = await target.elementHandle();
  for (let pressed = 0; pressed < 150; pressed++) {
    if (await handle!.evaluate(element => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("the keyboard does not get there");
}

it("shows what comes from above, and changes a room by the keyboard alone", async () => {
  const { page, wrong, close } = await asAdmin();
  const form = await open(page, "kitchen");
  const most = form.getByLabel("Open at most").first();
  expect(await most.getAttribute("placeholder")).toBe("70");
  await form.getByText("from its place").first().waitFor();
  await form.getByText(/^22:00 – 0?6:30$/).waitFor();
  // At its time it says what is on, otherwise what comes next.
  await form.locator('[data-next="evening"]').getByText(/\d/).waitFor();

  await tabTo(page, most);
  await page.keyboard.type("40");
  await tabTo(page, form.getByRole("button", { name: "Add airing" }));
  await page.keyboard.press("Enter");
  const humidity = form.getByLabel("When humidity is above");
  await tabTo(page, form.getByRole("button", { name: "Edit", exact: true }));
  await humidity.waitFor();
  await tabTo(page, humidity);
  await page.keyboard.type("65");
  const rain = form.locator("[data-interlock=rain] summary");
  await tabTo(page, rain);
  await page.keyboard.press("Enter");
  await tabTo(page, form.locator("[data-interlock=rain]").getByLabel("Opens again after it was over for"));
  await page.keyboard.type("20");
  await tabTo(page, form.getByLabel("A move by hand lasts"));
  await page.keyboard.type("90");
  await page.keyboard.press("Enter");
  await form.getByText("Saved", { exact: true }).waitFor();

  expect((await settings("kitchen")).own).toEqual({
    opening: { max: 40 },
    override_s: 5_400,
    interlocks: { rain: { hold_s: 1_200 } },
    schedules: { airing: { kind: "airing", co2_above: 1_200, humidity_above: 65 } },
  });
  await page.locator("[data-room=kitchen]").getByText("0–40 %").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("says at its field why the API refuses a value, and takes it when it is mended", async () => {
  const { page, wrong, close } = await asAdmin();
  const form = await open(page, "bath");
  const wind = form.locator("[data-interlock=wind]");
  await wind.locator("summary").click();
  await wind.getByLabel("Closes above").fill("10");
  await wind.getByLabel("Over again at").fill("12");
  await form.getByRole("button", { name: "Save" }).click();
  const cleared = wind.getByLabel("Over again at");
  await wind.getByText("is above the limit (10): the cause would be there and gone at once").waitFor();
  await until("the field is marked and has the keyboard", async () =>
    cleared.evaluate(field => field.getAttribute("aria-invalid") === "true" && field === document.activeElement),
  );
  expect((await settings("bath")).own).toEqual({});
  await cleared.fill("8");
  // What only the form as a whole can know is told where the schedule is.
  await form.getByRole("button", { name: "Add airing" }).click();
  const airing = form.locator("[data-schedule=airing]");
  await airing.getByLabel("When CO₂ is above").fill("");
  await form.getByRole("button", { name: "Save" }).click();
  await airing.getByText("needs humidity_above or co2_above: it would never be due").waitFor();
  await airing.getByLabel("When CO₂ is above").fill("1,5x");
  await form.getByRole("button", { name: "Save" }).click();
  await airing.getByText("A number, please.").waitFor();
  await airing.getByLabel("When CO₂ is above").fill("1000");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Saved", { exact: true }).waitFor();
  expect((await settings("bath")).own).toEqual({
    interlocks: { wind: { limit: 10, clear_at: 8 } },
    schedules: { airing: { kind: "airing", co2_above: 1_000 } },
  });
  expect(wrong).toEqual([]);
  await close();
});

it("keeps what a person has entered when somebody else was faster, and shows what changed", async () => {
  const { page, wrong, close } = await asAdmin();
  const form = await open(page, "bath");
  await form.getByLabel("Open at least").first().fill("15");
  // Another person's change arrives at the service just before this one.
  let statuses: number[] = [];
  await page.route("**/api/v1/devices/bath", async route => {
    if (route.request().method() !== "PATCH") return route.continue();
    if (!statuses.length) await casement.ask("/devices/bath", "PATCH", { settings: { opening: { max: 55 }, min_move: 7 } });
    const answer = await route.fetch();
    statuses = [...statuses, answer.status()];
    await route.fulfill({ response: answer });
  });
  await form.getByRole("button", { name: "Save" }).click();
  const notice = form.getByRole("alert").filter({ hasText: "Somebody else changed this meanwhile." });
  await notice.getByText("Open at most: not set → 55").waitFor();
  await notice.getByText("Least change worth the motor: not set → 7").waitFor();
  expect(statuses).toEqual([412]);
  expect(await form.getByLabel("Open at least").first().inputValue()).toBe("15");
  expect(await form.getByLabel("Open at most").first().inputValue()).toBe("55");
  expect(await serious(page)).toEqual([]);
  await shot(page, "settings-conflict", true);
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Saved", { exact: true }).waitFor();
  expect(statuses).toEqual([412, 200]);
  expect((await settings("bath")).own).toMatchObject({ opening: { min: 15, max: 55 }, min_move: 7 });
  expect(wrong).toEqual([]);
  await close();
});

it("takes in what somebody else changes while a draft is open", async () => {
  const { page, close } = await asAdmin();
  const form = await open(page, "bath");
  await form.getByLabel("Open at least").first().fill("20");
  await casement.ask("/devices/bath", "PATCH", { settings: { tolerance: 4 } });
  await form.getByText("Counts as there within: not set → 4").waitFor();
  expect(await form.getByLabel("Open at least").first().inputValue()).toBe("20");
  await form.getByRole("button", { name: "Discard changes" }).click();
  expect(await form.getByLabel("Open at least").first().inputValue()).toBe("15");
  await close();
});

it("switches a schedule of the place off for one room, and changes a place", async () => {
  const { page, close } = await asAdmin();
  const form = await open(page, "bath");
  await form.locator('[data-schedule="evening"]').getByRole("button", { name: "Switch off here" }).click();
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Saved", { exact: true }).waitFor();
  expect((await settings("bath")).own.schedules?.["evening"]).toEqual({ kind: "off" });
  await page.getByLabel("Settings of").selectOption({ label: "Ground floor" });
  await form.getByLabel("Open at most").first().fill("65");
  await form.getByRole("button", { name: "Add a limit for hours or a season" }).click();
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Saved", { exact: true }).waitFor();
  expect((await settings("bath")).group.opening).toEqual({
    max: 65,
    rules: [{ hours: { from: "22:00", until: "06:00" }, max: 20 }],
  });
  await close();
});

it("lets a reader see all of it and change none", async () => {
  await casement.ask("/accounts", "POST", { name: "rita", role: "reader" });
  const { token } = await casement.ask<{ token: string }>("/accounts/rita/tokens", "POST", { label: "test" });
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, token);
  expect(await page.locator("[data-at-once]").count()).toBe(0);
  const form = await open(page, "kitchen");
  expect(await form.getByLabel("Open at most").first().inputValue()).toBe("40");
  await form.getByText("You may look.").waitFor();
  expect(await form.getByRole("button", { name: /Save|Remove|Add|Switch off/ }).count()).toBe(0);
  for (const field of await form.locator("input, select").all()) expect(await field.isDisabled()).toBe(true);
  expect(wrong).toEqual([]);
  await close();
});

for (const colorScheme of ["light", "dark"] as const) {
  it(`is for everybody with everything open, on every screen (${colorScheme})`, async () => {
    const { page, wrong, close } = await asAdmin({ colorScheme });
    const form = await open(page, "kitchen");
    await form.evaluate(element => element.querySelectorAll("details").forEach(part => (part.open = true)));
    await form.getByRole("button", { name: "Add night cooling" }).click();
    await form.getByRole("button", { name: "Add a limit for hours or a season" }).click();
    await form.getByLabel("Open at most").first().fill("much");
    await form.getByRole("button", { name: "Save" }).click();
    await form.getByText("A number, please.").first().waitFor();
    expect(await serious(page)).toEqual([]);
    for (const [name, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      await expectNoSideways(page, `schedules ${name}`);
      await shot(page, `settings-${name}-${colorScheme}`, true);
    }
    expect(wrong).toEqual([]);
    await close();
  });

  it(`signs in on a page of its own that is for everybody (${colorScheme})`, async () => {
    const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`, { colorScheme });
    await page.getByRole("heading", { name: "Casement" }).waitFor();
    expect(await serious(page)).toEqual([]);
    for (const [name, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      await expectNoSideways(page, `sign-in ${name}`);
      await shot(page, `sign-in-${name}-${colorScheme}`);
    }
    const icon = await page.request.get(`${casement.url}/favicon.ico`);
    expect([icon.status(), icon.headers()["content-type"]]).toEqual([200, "image/x-icon"]);
    expect(wrong).toEqual([]);
    await close();
  });
}

it("shuts a window until tomorrow by one tap on its card, and gives it back", async () => {
  const { page, wrong, close } = await asAdmin({ viewport: SIZES.phone, hasTouch: true, isMobile: true });
  const kitchen = card(page, "kitchen");
  await kitchen.getByRole("button", { name: "Close until tomorrow" }).tap();
  const held = await until("the window is held", async () => {
    const { control } = await casement.ask<DeviceView>("/devices/kitchen");
    return control?.override;
  });
  expect(held.position).toBe(0);
  const ends = new Date(held.until!).toLocaleString("sv-SE", { timeZone: "Europe/Berlin" });
  const tomorrow = new Date(Date.now() + 86_400_000).toLocaleString("sv-SE", { timeZone: "Europe/Berlin" });
  expect(ends).toBe(`${tomorrow.slice(0, 10)} 07:00:00`);
  await kitchen.getByText("By hand: 0 %").waitFor();
  expect(page.url()).toBe(`${casement.url}/`);
  await kitchen.getByRole("button", { name: "Let Casement decide again" }).tap();
  await until("the window is given back", async () => {
    const { control } = await casement.ask<DeviceView>("/devices/kitchen");
    return control && !control.override;
  });
  await kitchen.getByRole("button", { name: "Let Casement decide again" }).waitFor({ state: "detached" });
  expect(wrong).toEqual([]);
  await close();
});

it("says what limits a window in the viewer's language", async () => {
  const { page, wrong, close } = await visit(browser, casement.url, { locale: "de-DE" });
  await casement.ask("/devices/kitchen", "PATCH", { settings: { interlocks: { rain: { hold_s: 1_200 } } } });
  await casement.reading("garden", "rain", 1.5);
  await card(page, "kitchen").getByText("es regnet: bleibt zu").waitFor();
  await page.goto(`${casement.url}/#/schedules/kitchen`);
  await page.getByRole("heading", { name: "Zeitpläne und Sperren", level: 1 }).waitFor();
  await page.locator("[data-room=kitchen]").getByText("es regnet: bleibt zu").waitFor();
  await page.locator("[data-interlock=rain] summary").getByText("über 0 mm/h: zu, bis es 20 min vorbei war").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("says that rain closes nothing where no rain sensor is, and how one gets known", async () => {
  await casement.reading("shed", "temperature", 9);
  await casement.ask("/devices/shed", "PATCH", { name: "Shed", location: "Yard" });
  await casement.ask("/settings", "PATCH", { settings: { outdoor_sensor: null } });
  const { page, wrong, close } = await asAdmin();
  const form = await open(page, "shed"),
    rain = form.locator("[data-interlock=rain]");
  await rain.locator("summary").getByText("closes nothing: no rain sensor").waitFor();
  await rain.locator("summary").click();
  await rain.getByText("No rain sensor is known here.").waitFor();
  expect(await rain.locator("code").textContent()).toContain("sensor/garden/rain");
  expect(await serious(page)).toEqual([]);
  await shot(page, "rain-missing", true);
  // One in the same place is heeded without being asked.
  await casement.reading("gauge", "rain", 0);
  await casement.ask("/devices/gauge", "PATCH", { location: "Yard" });
  await rain.locator("summary").getByText("above 0 mm/h: shut").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("folds its parts on a telephone, and opens the one where something is wrong", async () => {
  const { page, wrong, close } = await asAdmin({ viewport: SIZES.phone, hasTouch: true, isMobile: true });
  const form = await open(page, "bath");
  expect(await form.getByLabel("Open at least").first().isVisible()).toBe(false);
  expect(await page.evaluate(() => document.querySelector("form.stack")!.getBoundingClientRect().height)).toBeLessThan(1_200);
  await shot(page, "settings-folded-phone", true);
  const part = form.getByRole("region", { name: "How far and when" });
  await part.locator("summary").first().tap();
  await part.getByLabel("Open at least").first().fill("much");
  await part.locator("summary").first().tap();
  await form.getByRole("button", { name: "Save" }).tap();
  await part.getByText("A number, please.").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("keeps no quiet hours without a time, and says so", async () => {
  const { page, wrong, close } = await asAdmin();
  const form = await open(page, "bath"),
    before = (await settings("bath")).own;
  await form.getByRole("button", { name: "Add hours" }).click();
  const added = form.getByRole("group", { name: "Quiet hours" }).locator("input[type=time]");
  await added.first().fill("");
  await added.last().fill("");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Two different times, please.").first().waitFor();
  expect((await settings("bath")).own).toEqual(before);
  expect(wrong).toEqual([]);
  await close();
});
