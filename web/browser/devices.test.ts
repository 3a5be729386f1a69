// Devices as things: passwords, forgetting, who is refused, what is set for many, a setting's way to the device; tokens, links that only
// read, and what an operator may.
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceView } from "../src/api/types";
import { card, expectNoSideways, launch, serious, shot, signIn, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";

let casement: Casement, browser: Browser;
/** Passwords of devices by their names. */
const passwords = new Map<string, string>();

beforeAll(async () => {
  const environment = {
    CASEMENT__HTTP__ANONYMOUS: "never",
    CASEMENT__BROKER__REGISTRATION: "pairing",
    CASEMENT__BROKER__ANONYMOUS: "never",
  };
  [casement, browser] = await Promise.all([Casement.start({ environment }), launch()]);
  for (const name of ["esp-1", "esp-2"]) {
    const { password } = await casement.ask<{ password: string }>("/accounts", "POST", { name, role: "device" });
    passwords.set(name, password);
    await says(name, `sensor/${name}/temperature`, { value: 21.5, timestamp: new Date().toISOString() });
    await casement.ask(`/devices/${name}`, "PATCH", { name: `Room of ${name}`, location: "Ground floor" });
  }
});

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
});

/** A device publishes with its password. */
const says = (name: string, topic: string, payload: unknown, password = passwords.get(name)!) =>
  casement.publish(topic, payload, ["-i", name, "-u", name, "-P", password]);

async function asAdmin(screen: string, name: string) {
  const looked = await visit(browser, `${casement.url}/sign-in`);
  await signIn(looked.page, casement.token);
  await go(looked.page, screen, name);
  return { ...looked, dialog: looked.page.getByRole("dialog") };
}

const go = async (page: Page, screen: string, name: string) => {
  await page.goto(`${casement.url}/#/${screen}`);
  await page.getByRole("heading", { level: 1, name }).waitFor();
};

/** What a dialog shows once; it is closed. */
async function secretIn(dialog: Locator): Promise<string> {
  const secret = (await dialog.locator("code").textContent())!;
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "hidden" });
  return secret;
}

/** The API's answer to somebody with a token. */
const answer = async (token: string, path: string, method = "GET", body?: unknown) =>
  (
    await fetch(`${casement.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  ).status;

it("makes a device a new password, shown once, that opens the broker where the old one no longer does", async () => {
  const { page, wrong, close, dialog } = await asAdmin("devices", "Devices");
  const reading = (value: number) => ({ value, timestamp: new Date().toISOString() });
  await page.locator("tr[data-device=esp-1]").getByRole("button", { name: "New password" }).click();
  await dialog.getByText("The old one is void at once.").waitFor();
  await dialog.getByRole("button", { name: "New password" }).click();
  await dialog.getByText("The new password of esp-1, shown this once:").waitFor();
  const password = await secretIn(dialog);
  await expect(says("esp-1", "sensor/esp-1/temperature", reading(5))).rejects.toThrow(/Connection Refused/);
  await says("esp-1", "sensor/esp-1/temperature", reading(23.5), password);
  passwords.set("esp-1", password);
  await go(page, "", "Rooms");
  await card(page, "esp-1").getByText("23.5 °C").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("forgets what was set up for a device, after it has asked", async () => {
  await casement.ask("/devices/esp-9", "PATCH", { name: "Pantry" });
  const { page, wrong, close, dialog } = await asAdmin("devices", "Devices");
  const row = page.locator("tr[data-device=esp-9]");
  await row.getByText("Pantry").waitFor();
  await row.getByRole("button", { name: "Forget" }).click();
  await dialog.getByText("Forget what was set up for “Pantry”?").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await row.getByText("Pantry").waitFor();
  await row.getByRole("button", { name: "Forget" }).click();
  await dialog.getByRole("button", { name: "Forget" }).click();
  await row.waitFor({ state: "detached" });
  expect((await casement.ask<DeviceView[]>("/devices")).map(({ device_id }) => device_id)).not.toContain("esp-9");
  expect(wrong).toEqual([]);
  await close();
});

it("sets what holds for a place, and for all devices", async () => {
  const { page, wrong, close } = await asAdmin("devices", "Devices");
  for (const [title, label, value] of [
    ["Settings of a place", "Open at most", "55"],
    ["Settings of all devices", "Report every", "45"],
  ] as const) {
    const panel = page.getByRole("region", { name: title });
    await panel.locator("summary").first().click();
    await panel.getByLabel(label).fill(value);
    await panel.getByRole("button", { name: "Save" }).click();
    await panel.getByText("Saved", { exact: true }).waitFor();
  }
  const place = await casement.ask<{ settings: object }>(`/groups/${encodeURIComponent("Ground floor")}`),
    all = await casement.ask<{ settings: object }>("/settings");
  expect(place.settings).toEqual({ opening: { max: 55 } });
  expect(all.settings).toEqual({ report_interval_s: 45 });
  expect(await serious(page)).toEqual([]);
  await page.setViewportSize(SIZES.phone);
  await expectNoSideways(page, "devices");
  await shot(page, "devices-levels-phone", true);
  // Both have come to a room of that place.
  await go(page, "rooms/esp-1", "Room of esp-1");
  await page.getByText("from its place").first().waitFor();
  await page.getByText("from the defaults").first().waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("follows settings to the device: on their way, taken, refused and why", async () => {
  const { page, wrong, close } = await asAdmin("rooms/esp-1", "Room of esp-1");
  const most = page.getByLabel("Open at most"),
    delivery = (state: string) => page.locator(`[data-delivery=${state}]`);
  const save = async (value: string) => {
    await most.fill(value);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    await delivery("pending").getByText("On its way: the device has not answered yet.").waitFor();
    return (await casement.ask<DeviceView>("/devices/esp-1")).settings.version;
  };
  await says("esp-1", "device/esp-1/config/ack", { version: await save("50"), status: "applied" });
  await delivery("applied").getByText("The device has taken these settings.").waitFor();
  const refusal = { version: await save("45"), status: "refused", reason: "the motor needs 20 s" };
  await says("esp-1", "device/esp-1/config/ack", refusal);
  await delivery("refused").getByText("The device refuses them: the motor needs 20 s").waitFor();
  expect(await serious(page)).toEqual([]);
  await go(page, "", "Rooms");
  await card(page, "esp-1").getByText("It refuses its settings").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("refuses a device that wants in", async () => {
  const { page, wrong, close } = await asAdmin("devices", "Devices");
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByText(/The door is open until/).waitFor();
  const topic = "sensor/stranger/temperature",
    mine = ["-i", "stranger", "-u", "stranger", "-P", "a secret of its own"];
  // It is not let in, but waits.
  const knock = () => casement.publish(topic, { value: 5, timestamp: new Date().toISOString() }, mine).catch(() => undefined);
  await knock();
  await page.getByLabel("Name of stranger").waitFor();
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.getByText("Nobody waits.").waitFor();
  expect(await page.locator("tr[data-device=stranger]").count()).toBe(0);
  await expect(casement.ask("/accounts/stranger")).rejects.toThrow(/ 404 /);
  await page.getByRole("button", { name: "Close the door" }).click();
  await page.getByRole("button", { name: "Add a device" }).waitFor();
  await knock();
  expect((await casement.ask<{ waiting: unknown[] }>("/pairing")).waiting).toEqual([]);
  expect(wrong).toEqual([]);
  await close();
});

it("makes tokens and passwords of people, shown once, and takes them back", async () => {
  await casement.ask("/accounts", "POST", { name: "karla", role: "reader" });
  const { page, wrong, close, dialog } = await asAdmin("accounts", "Accounts");
  const row = page.locator("tr[data-account=karla]"),
    tokens = page.locator(".tokens");
  await row.getByRole("button", { name: "Tokens: 0" }).click();
  await tokens.getByLabel("Label").fill("telephone");
  await tokens.getByLabel(/^Valid for days/).fill("30");
  await tokens.getByRole("button", { name: "New token" }).click();
  await dialog.getByText("A token of karla, shown this once:").waitFor();
  const token = await secretIn(dialog);
  expect(await answer(token, "/devices")).toBe(200);
  const entry = tokens.locator("li", { hasText: "telephone" });
  await entry.getByText(/Expires .*\d{4}/).waitFor();
  expect(await serious(page)).toEqual([]);
  await entry.getByRole("button", { name: "Revoke" }).click();
  await dialog.getByText("Revoke this token?").waitFor();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await entry.waitFor({ state: "detached" });
  await until("the token opens nothing", async () => (await answer(token, "/devices")) === 401);

  await row.getByRole("button", { name: "New password" }).click();
  await dialog.getByText("Make a new password for “karla”?").waitFor();
  await dialog.getByRole("button", { name: "New password" }).click();
  const password = await secretIn(dialog);
  const karla = await visit(browser, `${casement.url}/sign-in`);
  await karla.page.fill("[name=name]", "karla");
  await karla.page.fill("#password", password);
  await karla.page.click("form button");
  await karla.page.locator(".person").getByText("karla").waitFor();
  expect(karla.wrong).toEqual([]);
  await karla.close();
  expect(wrong).toEqual([]);
  await close();
});

it("shows the rooms by a link that only reads, until it is revoked", async () => {
  const { page, wrong, close, dialog } = await asAdmin("accounts", "Accounts");
  const shares = page.getByRole("region", { name: "Links that only read" });
  await shares.getByText("No link was made.").waitFor();
  await shares.getByLabel("Label").fill("Grandmother");
  await shares.getByLabel("Valid for days").fill("3");
  await shares.getByRole("button", { name: "Make a link" }).click();
  await dialog.getByText("The link, shown this once:").waitFor();
  const link = await secretIn(dialog);
  const entry = shares.locator("li", { hasText: "Grandmother" });
  await entry.getByText(/Expires/).waitFor();

  const guest = await visit(browser, link, { viewport: SIZES.phone });
  await card(guest.page, "esp-1").waitFor();
  await guest.page.getByText("You see this by a link that only reads.").waitFor();
  for (const name of ["Add a device", "Close until tomorrow"])
    expect(await guest.page.getByRole("button", { name }).count(), name).toBe(0);
  expect(await guest.page.getByRole("link", { name: "Accounts" }).count()).toBe(0);
  expect(await serious(guest.page)).toEqual([]);
  await go(guest.page, "devices", "Devices");
  await guest.page.locator("tr[data-device=esp-1]").waitFor();
  for (const name of ["Retire", "Forget", "New password"])
    expect(await guest.page.getByRole("button", { name }).count(), name).toBe(0);
  expect(await guest.page.getByRole("region", { name: "Settings of all devices" }).count()).toBe(0);
  await go(guest.page, "system", "System");
  await guest.page.getByText(/a link that only reads does not show them/).waitFor();
  expect(guest.wrong).toEqual([]);

  await entry.getByRole("button", { name: "Revoke" }).click();
  await entry.waitFor({ state: "detached" });
  await guest.page.locator("#password").waitFor();
  await guest.close();
  expect(wrong).toEqual([]);
  await close();
});

it("lets an operator change rooms and settings, and nothing of accounts", async () => {
  await casement.ask("/accounts", "POST", { name: "oscar", role: "operator" });
  const { token } = await casement.ask<{ token: string }>("/accounts/oscar/tokens", "POST", { label: "test" });
  await says("esp-2", "window/esp-2/state", { position: 40, timestamp: new Date().toISOString() });
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, token);
  const room = card(page, "esp-2");
  await room.getByRole("button", { name: "Close until tomorrow" }).click();
  await room.getByText(/By hand: 0 % until/).waitFor();
  expect((await casement.ask<DeviceView>("/devices/esp-2")).control?.override?.by).toBe("oscar");
  for (const [name, what] of [
    ["Accounts", "link"],
    ["Add a device", "button"],
  ] as const)
    expect(await page.getByRole(what, { name }).count(), name).toBe(0);
  await go(page, "devices", "Devices");
  const row = page.locator("tr[data-device=esp-2]");
  await row.getByRole("button", { name: "Retire" }).waitFor();
  expect(await page.getByRole("button", { name: "New password" }).count()).toBe(0);
  await go(page, "rooms/esp-2", "Room of esp-2");
  await page.getByLabel("Name").fill("Oscar's room");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { level: 1, name: "Oscar's room" }).waitFor();
  await go(page, "model", "Model");
  expect(await page.getByRole("region", { name: "Train now" }).count()).toBe(0);
  await go(page, "system", "System");
  await page.getByRole("region", { name: "Parts" }).waitFor();
  expect(await page.locator("#doctor").count()).toBe(0);
  await go(page, "accounts", "Accounts");
  await page.getByText("This is for admins.").waitFor();
  // What the page does not offer, the API refuses.
  for (const [method, path, body] of [
    ["GET", "/accounts"],
    ["POST", "/accounts", { name: "mallory", role: "admin" }],
    ["POST", "/accounts/oscar/tokens", { label: "more" }],
    ["POST", "/accounts/esp-2/rotate"],
    ["POST", "/pairing"],
    ["POST", "/shares", { label: "mine", days: 1 }],
    ["GET", "/audit"],
  ] as const)
    expect(await answer(token, path, method, body), `${method} ${path}`).toBe(403);
  expect(wrong).toEqual([]);
  await close();
});
