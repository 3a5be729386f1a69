// Who may what: roles, sessions that end, devices that want in.
import { spawn } from "node:child_process";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { card, launch, serious, shot, signIn, visit } from "./browser";
import { Casement } from "./casement";

let casement: Casement, browser: Browser;

beforeAll(async () => {
  const environment = {
    CASEMENT__HTTP__ANONYMOUS: "never",
    CASEMENT__BROKER__REGISTRATION: "pairing",
    CASEMENT__BROKER__ANONYMOUS: "never",
  };
  [casement, browser] = await Promise.all([Casement.start({ environment }), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
});

async function tokenOf(name: string, role: string): Promise<string> {
  await casement.ask("/accounts", "POST", { name, role });
  return (await casement.ask<{ token: string }>(`/accounts/${name}/tokens`, "POST", { label: "test" })).token;
}

it("leads strangers to the sign-in page", async () => {
  const { page, close } = await visit(browser, casement.url);
  await page.waitForURL(/\/sign-in/);
  await page.fill("#password", "wrong");
  await page.click("form button");
  await page.getByRole("alert").filter({ hasText: /./ }).waitFor();
  await close();
});

it("lets a device in by a person's word", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  await signIn(page, casement.token);
  await page.getByRole("button", { name: "Let a device introduce itself" }).click();
  await page.getByText(/The door is open until/).waitFor();
  // A device with an id and a password of its own, which goes on until it is heard.
  const payload = JSON.stringify({ value: 19.5, timestamp: new Date().toISOString() });
  const device = spawn(
    "sh",
    [
      "-c",
      'while :; do mosquitto_pub -h 127.0.0.1 -p "$0" -i esp-7 -u esp-7 -P "a secret of its own" -q 1 -t sensor/esp-7/temperature -m "$1"; sleep 0.3; done',
      String(casement.mqttPort),
      payload,
    ],
    { stdio: "ignore", detached: true },
  );
  try {
    await page.getByLabel("Name of esp-7").fill("Bathroom");
    await page.getByLabel("Place of esp-7").fill("Upstairs");
    expect(await serious(page)).toEqual([]);
    await shot(page, "pairing");
    await page.getByRole("button", { name: "Let it in" }).click();
    await card(page, "esp-7").getByRole("heading", { name: "Bathroom" }).waitFor();
    await page.getByRole("heading", { name: "Upstairs" }).waitFor();
    await card(page, "esp-7").getByText("19.5 °C").waitFor();
  } finally {
    if (device.pid && device.exitCode === null) process.kill(-device.pid, "SIGKILL");
  }
  expect(wrong).toEqual([]);
  await close();
});

it("names the address in the network where a device is added, also on the service's own machine", async () => {
  await casement.ask("/pairing", "DELETE");
  const { page, wrong, close } = await visit(browser, casement.url);
  // The tests' broker listens on this machine alone: what a service with `--lan` says is laid over its answer.
  await page.route("**/api/v1/pairing", async route => {
    const answer = await route.fetch();
    const door = route.request().method() === "DELETE" ? null : ((await answer.json()) as object);
    await route.fulfill(
      door ? { response: answer, json: { ...door, network: "mqtts://192.0.2.20:8883" } } : { response: answer },
    );
  });
  await signIn(page, casement.token);
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByText("How the device finds Casement").click();
  await page.getByRole("img", { name: "QR code of mqtts://192.0.2.20:8883" }).waitFor();
  await page.locator(".copy code").getByText("-h 192.0.2.20 -p 8883").waitFor();
  expect(
    await page
      .locator(".pairing")
      .getByText(/127\.0\.0\.1|localhost/)
      .count(),
  ).toBe(0);
  await page.getByRole("button", { name: "Close the door" }).click();
  await page.getByRole("button", { name: "Close the door" }).waitFor({ state: "detached" });
  await page.unrouteAll({ behavior: "ignoreErrors" });
  expect(wrong).toEqual([]);
  await close();
});

it("shows a reader everything and lets it change nothing", async () => {
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, await tokenOf("rita", "reader"));
  await card(page, "esp-7").waitFor();
  expect(await page.getByRole("link", { name: "Accounts" }).count()).toBe(0);
  expect(await page.getByRole("button", { name: "Add a device" }).count()).toBe(0);
  await page.goto(`${casement.url}/#/rooms/esp-7`);
  await page.getByText("You may look.").first().waitFor();
  expect(await page.getByRole("button", { name: "Save" }).count()).toBe(0);
  expect(await page.getByLabel("Open at most").isDisabled()).toBe(true);
  await page.goto(`${casement.url}/#/accounts`);
  await page.getByText("This is for admins.").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("leads out whoever's account is retired", async () => {
  const { page, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, await tokenOf("olga", "operator"));
  await card(page, "esp-7").waitFor();
  await casement.ask("/accounts/olga", "PATCH", { state: "retired" });
  await page.waitForURL(/\/sign-in/);
  await close();
});

it("leads out whoever's token is revoked, wherever in the page they are", async () => {
  await casement.ask("/accounts", "POST", { name: "otto", role: "operator" });
  const { token, id } = await casement.ask<{ token: string; id: string }>("/accounts/otto/tokens", "POST", { label: "phone" });
  const { page, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, token);
  await page.goto(`${casement.url}/#/devices`);
  await page.getByRole("heading", { name: "Devices", level: 1 }).waitFor();
  await casement.ask(`/tokens/${id}`, "DELETE");
  await page.waitForURL(/\/sign-in/);
  await close();
});

it("makes an account, shows its password once, and takes it back", async () => {
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, casement.token);
  await page.goto(`${casement.url}/#/accounts`);
  await page.locator("[name=account]").fill("Karl");
  await page.getByLabel("Role").selectOption("operator");
  await page.getByRole("button", { name: "Add an account" }).click();
  const secret = page.getByRole("dialog").locator("code");
  await secret.waitFor();
  expect((await secret.textContent())?.length).toBeGreaterThan(12);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  const row = page.locator("tr[data-account=Karl]");
  await row.getByRole("button", { name: "Forget" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Forget" }).click();
  await row.waitFor({ state: "detached" });
  expect(wrong).toEqual([]);
  await close();
});

it("asks before a device's account is closed alone, and leaves the device in use; retiring does not", async () => {
  await casement.ask("/accounts", "POST", { name: "esp-8", role: "device" });
  await casement.ask("/devices/esp-8", "PATCH", { name: "Pantry" });
  const isRetired = async () => (await casement.ask<{ retired: boolean }>("/devices/esp-8")).retired;
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, casement.token);
  await page.goto(`${casement.url}/#/accounts`);
  const row = page.locator("tr[data-account=esp-8]"),
    dialog = page.getByRole("dialog"),
    state = (text: string) => row.locator(".badge").getByText(text, { exact: true }).waitFor();
  await state("active");

  await row.getByRole("button", { name: "Close the account alone" }).click();
  await dialog.getByText(/Whether it is in use stays as it is: where it is, its window is still decided for/).waitFor();
  expect(await serious(page)).toEqual([]);
  await shot(page, "close-account");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "hidden" });
  expect((await casement.ask<{ state: string }>("/accounts/esp-8")).state).toBe("active");

  await row.getByRole("button", { name: "Close the account alone" }).click();
  await dialog.getByRole("button", { name: "Close the account alone" }).click();
  await state("retired");
  expect(await isRetired()).toBe(false);
  // Opened again, it can be put out of use with its device: another question.
  await row.getByRole("button", { name: "Use again" }).click();
  await state("active");
  await row.getByRole("button", { name: "Retire" }).click();
  await dialog.getByText(/nothing is decided for its window/).waitFor();
  await dialog.getByRole("button", { name: "Retire" }).click();
  await state("retired");
  expect(await isRetired()).toBe(true);
  // The screen of devices asks the same before it retires one.
  await casement.ask("/devices/esp-8", "PATCH", { retired: false });
  await page.goto(`${casement.url}/#/devices`);
  const device = page.locator("tr[data-device=esp-8]");
  await device.getByRole("button", { name: "Retire" }).click();
  await dialog.getByText(/its safety rules no longer close it/).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(await isRetired()).toBe(false);
  await device.getByRole("button", { name: "Retire" }).click();
  await dialog.getByRole("button", { name: "Retire" }).click();
  await device.getByRole("button", { name: "Use again" }).waitFor();
  // Whoever comes later finds it, too, and takes it back.
  await page.reload();
  await device.getByRole("button", { name: "Use again" }).waitFor();
  expect(await isRetired()).toBe(true);
  expect(wrong).toEqual([]);
  await close();
});

it("says in German why something is refused, and what was done", async () => {
  await casement.ask("/accounts", "POST", { name: "gerda", role: "reader" });
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`, { locale: "de-DE" });
  await page.fill("#password", "falsch");
  await page.getByRole("button", { name: "Anmelden" }).click();
  await page.getByRole("alert").getByText("Name, Passwort oder Token ist falsch.").waitFor();
  expect(await serious(page)).toEqual([]);
  await signIn(page, casement.token);
  await page.goto(`${casement.url}/#/accounts`);
  // It has no history here, and says so.
  await page
    .getByText(/Das lässt sich gerade nicht zeigen: ClickHouse (antwortet nicht|hat seine Tabellen noch nicht)/)
    .waitFor();
  await page.locator("[name=account]").fill("gerda");
  await page.getByRole("button", { name: "Konto anlegen" }).click();
  await page
    .getByRole("alert")
    .getByText(/^ein Konto 'gerda' gibt es schon/)
    .waitFor();
  // A field's own, with the name that the API has for it.
  await page.locator("[name=account]").fill("Gerda im Garten");
  await page.getByRole("button", { name: "Konto anlegen" }).click();
  await page.getByRole("alert").getByText("name: ein Name hat 1 bis 64 Zeichen").waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("asks again by itself for what the service could not answer", async () => {
  const { page, wrong, close } = await visit(browser, `${casement.url}/sign-in`);
  await signIn(page, casement.token);
  let failed = 0;
  await page.route(/\/api\/v1\/(accounts|devices\/esp-7\/settings)$/, route =>
    failed++ < 2
      ? route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail": "not yet"}' })
      : route.continue(),
  );
  await page.goto(`${casement.url}/#/accounts`);
  await page.getByText("This cannot be shown now: not yet").waitFor();
  await page.locator("tr[data-account=admin]").waitFor();
  failed = 0;
  await page.goto(`${casement.url}/#/rooms/esp-7`);
  await page.getByText("This cannot be shown now: not yet").waitFor();
  await page.getByLabel("Open at most").waitFor();
  expect(wrong).toEqual([]);
  await close();
});
