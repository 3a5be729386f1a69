// Screens that explain, before a real Casement: checks, a training, how a model does, the service over time, sound that is
// seen and, where it is kept, heard.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectNoSideways, launch, PATIENCE, serious, shot, signIn, visit } from "./browser";
import { Casement, until } from "./casement";

const SIZES = { phone: { width: 360, height: 780 }, tablet: { width: 1024, height: 900 }, wall: { width: 1920, height: 1080 } };
/** What a stranger says who hopes that a page takes it for its own. */
const EVIL = "<img src=x onerror=alert(1)>";
let casement: Casement, browser: Browser, folder: string;

/** Two seconds of a tone in noise, as a device sends them. */
function wav(hertz: number): string {
  const rate = 16_000,
    count = 2 * rate,
    bytes = Buffer.alloc(44 + 2 * count);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + 2 * count, 4);
  bytes.write("WAVEfmt ", 8);
  for (const [value, at] of [
    [16, 16],
    [rate, 24],
    [2 * rate, 28],
    [2 * count, 40],
  ] as const)
    bytes.writeUInt32LE(value, at);
  for (const [value, at] of [
    [1, 20],
    [1, 22],
    [2, 32],
    [16, 34],
  ] as const)
    bytes.writeUInt16LE(value, at);
  bytes.write("data", 36);
  let noise = 12_345;
  for (let at = 0; at < count; at += 1) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    const tone = 0.2 * Math.sin((2 * Math.PI * hertz * at) / rate);
    bytes.writeInt16LE(Math.round(32_000 * (tone + 0.02 * (noise / 2 ** 31 - 1))), 44 + 2 * at);
  }
  return bytes.toString("base64");
}

async function clip(device_id: string, hertz: number, minutesAgo: number): Promise<void> {
  const payload = {
    data: wav(hertz),
    sample_rate: 16_000,
    duration: 2,
    format: "wav",
    timestamp: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
  };
  const file = join(folder, "clip.json");
  writeFileSync(file, JSON.stringify(payload));
  execFileSync("mosquitto_pub", [
    ...["-h", "127.0.0.1", "-p", String(casement.mqttPort), "-q", "1"],
    ...["-t", `sensor/${device_id}/audio`, "-f", file],
  ]);
}

async function sql(statement: string): Promise<void> {
  execFileSync(process.env["CASEMENT_BIN"]!, ["sql", "--clickhouse", casement["clickhouse"], statement]);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "casement-insight-"));
  // Models of its own: what is trained goes beside the one that serves.
  const models = join(dirname(fileURLToPath(import.meta.url)), "../../models");
  mkdirSync(join(folder, "models"));
  for (const file of ["window_regressor.pth", "window_regressor.pth.json"])
    copyFileSync(join(models, file), join(folder, "models", file));
  const environment = {
    CASEMENT__AUDIO__STORE_RAW: "true",
    CASEMENT__AUDIO__STORAGE_PATH: join(folder, "recordings"),
    CASEMENT__MODEL__PATH: join(folder, "models/window_regressor.pth"),
  };
  [casement, browser] = await Promise.all([Casement.start({ engine: true, environment }), launch()]);
  await casement.reading("kitchen", "temperature", 22.5);
  await casement.reading("kitchen", "humidity", 51);
  for (const [at, hertz] of [200, 400, 800, 1_600, 3_200, 1_600, 800, 400].entries()) await clip("kitchen", hertz, 40 - 5 * at);
  await until(
    "the clips are stored",
    async () => (await casement.ask<unknown[]>("/devices/kitchen/clips?kept=true")).length === 8,
    60_000,
  );
  const { version } = (await casement.ask<{ version: string }[]>("/models"))[0]!;
  await sql(
    `INSERT INTO iot.decision_outcomes (timestamp, device_id, command_id, model_version, position, confidence, corrected, chosen)
     SELECT now64(3) - INTERVAL (1 + number) HOUR, 'kitchen', toString(number), '${version}', 50, (number % 10 + 0.5) / 10,
     number % 10 < 4 AND number % 3 = 0, if(number % 10 < 4 AND number % 3 = 0, 50 + number % 40, nan) FROM numbers(500)`,
  );
  await sql(
    `INSERT INTO iot.ml_predictions (timestamp, device_id, prediction, confidence, inference_time_ms, model_version, average,
     contribution_temperature, contribution_humidity, contribution_sound) SELECT now64(3) - INTERVAL (1 + number) HOUR, 'kitchen', 50,
     (number % 10 + 0.5) / 10, 1, '${version}', 30, number % 20, number % 7, -1 FROM numbers(500)`,
  );
  await casement.publish("sensor/kitchen/temperature", "not a reading");
  await casement.publish("sensor/<script>evil()/temperature", EVIL);
});

afterAll(async () => {
  await browser?.close();
  await casement?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const go = async (page: Page, screen: string, name: string) => {
  await page.goto(`${casement.url}/#/${screen}`);
  await page.getByRole("heading", { level: 1, name }).waitFor();
};

it("runs the checks for an admin, and says what is to be done", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  await go(page, "system", "System");
  expect(await page.locator("#doctor").count(), "nobody has signed in yet").toBe(0);
  await signIn(page, casement.token);
  await go(page, "system", "System");
  await page.getByRole("button", { name: "Run the checks" }).click();
  await page.getByRole("button", { name: "Check again" }).and(page.locator(":enabled")).waitFor({ timeout: 90_000 });
  await page.getByText(/^Checked /).waitFor();
  await page.getByText(/checks without a complaint/).click();
  const broker = page.locator("[data-check=broker]");
  await broker.getByText("the embedded broker").waitFor();
  expect(await broker.locator(".badge").textContent()).toBe("well");
  expect(wrong).toEqual([]);
  await close();
});

it("says what was found and refused in the viewer's language", async () => {
  const { page, wrong, close } = await visit(browser, casement.url, { locale: "de-DE" });
  await signIn(page, casement.token);
  await go(page, "system", "System");
  await page.getByRole("region", { name: "Prüfungen" }).getByRole("button").click();
  await page.getByText(/Prüfungen ohne Beanstandung/).click({ timeout: 90_000 });
  await page.locator("[data-check=broker]").getByText("der eingebettete Broker").waitFor();
  const refused = page.getByRole("table", { name: "Zuletzt Abgelehntes" });
  await refused.getByText("kein JSON", { exact: true }).first().waitFor();
  const english = await page.locator("[data-check] .why, [data-check] .remedy").allTextContents();
  expect(english.filter(text => /\b(the|and|with|is|are)\b/.test(text))).toEqual([]);
  await shot(page, "system-german", true);
  await go(page, "accounts", "Konten");
  await page.getByRole("table", { name: "Protokoll" }).getByText("angemeldet").first().waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("shows the service over time, and what was refused with its first bytes", async () => {
  const { page, wrong, close } = await visit(browser, `${casement.url}/#/system`);
  await until("a row of metrics is written", async () => {
    const { points } = await casement.ask<{ points: unknown[] }>("/system-metrics?from=-1h");
    return points.length > 0;
  });
  await page.reload();
  await page.locator(".timeplot canvas").first().waitFor();
  expect(await page.locator(".timeplot").count()).toBe(4);
  await page.getByText("Messages a second as a table").click();
  await page.getByRole("table", { name: "Messages a second" }).getByRole("row").nth(1).waitFor();
  const refusals = page.getByRole("table", { name: "Recent refusals" });
  await refusals.locator("code", { hasText: "not a reading" }).waitFor();
  // What strangers say is text: a topic, and the first bytes of a message.
  await refusals.getByText("sensor/<script>evil()/temperature", { exact: true }).waitFor();
  await refusals.getByText(EVIL, { exact: true }).waitFor();
  expect(await page.locator("#page img[src=x], #page script").count()).toBe(0);
  expect(await page.title()).toBe("System · Casement");
  await page.getByRole("button", { name: "1 h", exact: true }).click();
  await page.locator(".timeplot canvas").first().waitFor();
  expect(wrong).toEqual([]);
  await close();
});

it("shows how sure and how right a model is, and what it rests on", async () => {
  const { page, wrong, close } = await visit(browser, `${casement.url}/#/model`);
  const quality = page.getByRole("region", { name: "How it does" });
  await quality.getByText(/of 500 decisions, people corrected/).waitFor();
  expect(await quality.locator(".reliability circle").count()).toBe(10);
  await quality.getByText("As sure as right as a table").click();
  const rows = quality.getByRole("table", { name: "As sure as right" }).getByRole("row");
  await until("each tenth of the confidence has its row", async () => (await rows.count()) === 11);
  await quality.getByText("9.5 points").waitFor();
  await quality.getByText("Mean confidence as a table").waitFor();
  expect(await page.getByRole("button", { name: "Train", exact: true }).count(), "for admins").toBe(0);
  expect(wrong).toEqual([]);
  await close();
});

it("takes a model, tries it in the shadow beside the one that serves, and removes it", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  await signIn(page, casement.token);
  await go(page, "model", "Model");
  const panel = page.getByRole("region", { name: "Upload a model" }),
    file = page.getByLabel(/^File/),
    send = panel.getByRole("button", { name: "Upload" });
  await file.setInputFiles({ name: "none.pth", mimeType: "application/octet-stream", buffer: Buffer.from("no model") });
  await panel.getByLabel("Version").fill("copy.1");
  await send.click();
  await panel.getByRole("alert").filter({ hasText: /./ }).waitFor();
  await file.setInputFiles(join(folder, "models/window_regressor.pth"));
  await send.click();
  const copy = page.locator("[data-version='copy.1']"),
    heading = copy.getByRole("heading");
  await heading.getByText("copy.1").waitFor();
  expect(await serious(page), "a model without figures").toEqual([]);
  expect(await file.inputValue(), "the form is empty again").toBe("");

  await copy.getByRole("button", { name: "Try in the shadow" }).click();
  await heading.getByText("in the shadow").waitFor();
  expect(await copy.getByRole("button", { name: "Remove" }).count(), "what is in use is not removed").toBe(0);
  const compared = page.getByRole("region", { name: "Serving and shadow, last 7 days" });
  await compared.getByText("Both have not judged a command yet.").waitFor();
  const { version } = (await casement.ask<{ version: string; serves: boolean }[]>("/models")).find(({ serves }) => serves)!;
  for (const [judge, position] of [
    [version, "50"],
    ["copy.1", "50 + 12 * (number = 0)"],
  ])
    await sql(
      `INSERT INTO iot.ml_predictions (timestamp, device_id, command_id, prediction, confidence, inference_time_ms, model_version)
       SELECT now64(3) - INTERVAL 1 HOUR, 'kitchen', concat('both-', toString(number)), ${position}, 0.8, 1, '${judge}' FROM numbers(4)`,
    );
  await page.reload();
  await compared.getByText("12.0 points").waitFor();
  expect(await compared.locator("dd").allTextContents()).toEqual(["4", "3.0 points", "12.0 points", "75 %"]);

  await copy.getByRole("button", { name: "End its shadow" }).click();
  await compared.waitFor({ state: "detached" });
  await copy.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Remove “copy.1” for good?").waitFor();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await copy.waitFor({ state: "detached" });
  expect((await casement.ask<{ version: string }[]>("/models")).map(model => model.version)).not.toContain("copy.1");
  expect(wrong).toEqual([]);
  await close();
});

it("trains a model with progress, cancels one, and lists what was made", async () => {
  const { page, wrong, close } = await visit(browser, casement.url);
  await signIn(page, casement.token);
  await go(page, "model", "Model");
  const panel = page.getByRole("region", { name: "Train now" });
  await panel.getByRole("button", { name: "Simulated rooms" }).click();
  await panel.getByLabel("Rooms").fill("1000");
  await panel.getByLabel("Days of each room").fill("30");
  await panel.getByRole("button", { name: "Train", exact: true }).click();
  await panel.getByText("collects examples").waitFor();
  await panel.getByRole("button", { name: "Cancel the training" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the training" }).click();
  await panel.getByText("was cancelled").waitFor();
  await panel.getByLabel("Version").fill("small.1");
  await panel.getByLabel("Rooms").fill("16");
  await panel.getByLabel("Days of each room").fill("1");
  await panel.getByRole("button", { name: "Train", exact: true }).click();
  // So few examples may be through between two looks of the page.
  await panel
    .getByText(/pass \d+ of at most 40|“small.1” is there now/)
    .first()
    .waitFor({ timeout: 120_000 });
  await panel.getByText("“small.1” is there now").waitFor({ timeout: 120_000 });
  const made = page.locator("[data-version='small.1']");
  await made.getByText("Mean error on test examples").waitFor();
  await panel.getByText("mean error on validation examples").waitFor();
  // Nothing served before: there is nothing to go back to, until another one serves.
  const back = page.getByRole("button", { name: /^Go back to/ });
  expect(await back.count()).toBe(0);
  await made.getByRole("button", { name: "Let it serve" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Let it serve" }).click();
  await back.click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Go back to/ })
    .click();
  await back.waitFor({ state: "detached" });
  expect(await made.getByText("serves", { exact: true }).count()).toBe(0);
  expect(wrong).toEqual([]);
  await close();
});

it("draws the sound in bands, and plays a recording to those who may hear it", async () => {
  const guest = await visit(browser, `${casement.url}/#/rooms/kitchen`);
  await guest.page.getByText("Recordings are for operators and admins.").waitFor();
  expect(await guest.page.getByRole("button", { name: /^Play the recording/ }).count()).toBe(0);
  await guest.page.getByRole("button", { name: "1 h", exact: true }).click();
  await guest.page.getByText("Colours of sound").first().click();
  const map = guest.page.locator("[data-map=mel] canvas");
  await map.waitFor();
  expect(await map.getAttribute("aria-label")).toMatch(/^Loudest around .*Hz/);
  const ink = await map.evaluate(canvas => {
    const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, 160, 32);
    return [...data].filter((value, at) => at % 4 === 3 && value > 0).length;
  });
  expect(ink, "cells that are drawn").toBeGreaterThan(500);
  await guest.page.getByRole("button", { name: "Coefficients" }).click();
  await guest.page.locator("[data-map=mfcc] canvas").waitFor();
  expect(guest.wrong).toEqual([]);
  await guest.close();

  const { page, wrong, close } = await visit(browser, casement.url);
  await signIn(page, casement.token);
  await go(page, "rooms/kitchen", "kitchen");
  const play = page.getByRole("button", { name: /^Play the recording/ }).first();
  await play.focus();
  await page.keyboard.press("Enter");
  const audio = page.locator("audio");
  await until("the recording plays", () => audio.evaluate(element => (element as HTMLAudioElement).currentTime > 0));
  expect(await audio.evaluate(element => (element as HTMLAudioElement).duration)).toBeCloseTo(2, 1);
  await until("the log says who listened", async () =>
    (await casement.ask<{ kind: string }[]>("/audit?kind=recording_heard")).some(({ kind }) => kind === "recording_heard"),
  );
  expect(wrong).toEqual([]);
  await close();
});

for (const colorScheme of ["light", "dark"] as const) {
  it(`is for everybody, from a phone to a wall (${colorScheme})`, async () => {
    const { page, wrong, close } = await visit(browser, casement.url, { colorScheme });
    await signIn(page, casement.token);
    for (const [screen, name, ready] of [
      ["model", "Model", ".reliability circle"],
      ["system", "System", ".timeplot canvas"],
      ["rooms/kitchen", "kitchen", ".clips li"],
    ] as const) {
      await go(page, screen, name);
      await page.locator(ready).first().waitFor({ timeout: PATIENCE });
      if (screen.startsWith("rooms")) {
        await page.getByRole("button", { name: "1 h", exact: true }).click();
        await page.getByText("Colours of sound").first().click();
        await page.locator("[data-map=mel] canvas").waitFor();
      }
      expect(await serious(page), screen).toEqual([]);
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await expectNoSideways(page, `${screen} ${size}`);
        await shot(page, `insight-${screen.split("/")[0]}-${size}-${colorScheme}`, true);
      }
    }
    expect(wrong).toEqual([]);
    await close();
  });
}
