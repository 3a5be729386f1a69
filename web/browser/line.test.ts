// What the page says above everything when something that it needs is away: the network, the broker, room in the journal; and what a
// browser needs to install it.
import { spawn, type ChildProcess } from "node:child_process";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { card, expectNoSideways, launch, serious, shot, SIZES, visit } from "./browser";
import { Casement, freePort, until } from "./casement";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser?.close());

it("says where there is no network, and goes on by itself when it is back; it can be installed", async () => {
  const casement = await Casement.start();
  try {
    await casement.reading("attic", "temperature", 12.5);
    const { page, wrong, close } = await visit(browser, casement.url);
    await card(page, "attic").getByText("12.5 °C").waitFor();
    await page.context().setOffline(true);
    await page.getByText(/No network since .* where you read this/).waitFor();
    await page.locator("html[data-stale]").waitFor();
    expect(await serious(page)).toEqual([]);
    await shot(page, "no-network");
    await casement.reading("attic", "temperature", 13.5);
    await page.context().setOffline(false);
    await page.getByText(/No network since/).waitFor({ state: "detached" });
    await card(page, "attic").getByText("13.5 °C").waitFor();
    await page.locator("html:not([data-stale])").waitFor();

    // Chromium itself says what is missing for a page that is to be installed.
    const devtools = await page.context().newCDPSession(page);
    const { errors, data } = await devtools.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    const manifest = JSON.parse(data ?? "{}") as { icons: { src: string; sizes: string; type: string }[] };
    expect(manifest).toMatchObject({ name: "Casement", start_url: "/", display: "standalone" });
    expect(manifest.icons.map(({ sizes }) => sizes)).toEqual(expect.arrayContaining(["192x192", "512x512"]));
    for (const { src, sizes, type } of manifest.icons) {
      const icon = await page.request.get(new URL(src, casement.url).href);
      expect([icon.status(), icon.headers()["content-type"]], src).toEqual([200, type]);
      if (type === "image/png") expect((await icon.body()).readUInt32BE(16), src).toBe(Number(sizes.split("x")[0]));
    }
    // A context of a test's own counts as a private window, which installs nothing.
    const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
    expect(installabilityErrors.map(({ errorId }) => errorId).filter(id => id !== "in-incognito")).toEqual([]);
    expect(wrong).toEqual([]);
    await close();
  } finally {
    await casement.remove();
  }
});

/** A broker of one's own, beside Casement. */
async function broker(port: number): Promise<ChildProcess> {
  const made = spawn("mosquitto", ["-p", String(port)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
  });
  let said = "";
  made.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until("the broker listens", () => /running/.test(said));
  return made;
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = new Promise(resolve => process.once("exit", resolve));
  process.kill("SIGKILL");
  await ended;
}

it("says that the broker is away, and goes on by itself when it is back", async () => {
  const port = await freePort();
  let other = await broker(port);
  const casement = await Casement.start({ broker: port, flags: ["--no-ml"] });
  try {
    await casement.reading("attic", "temperature", 12.5);
    const { page, wrong, close } = await visit(browser, casement.url);
    await card(page, "attic").getByText("12.5 °C").waitFor();
    const away = page.getByText("The broker is away: no device can be heard.");
    expect(await away.count()).toBe(0);
    await end(other);
    await away.waitFor();
    await shot(page, "broker-away");
    other = await broker(port);
    await away.waitFor({ state: "detached" });
    await until("the room is heard again", async () => {
      await casement.reading("attic", "temperature", 14.5);
      return (await card(page, "attic").locator("[data-quantity=temperature]").textContent()) === "14.5 °C";
    });
    expect(wrong).toEqual([]);
    await close();
  } finally {
    await casement.remove();
    await end(other);
  }
});

it("says that the journal is full", async () => {
  // Nothing is stored: what is accepted stays in the journal, which has little room.
  const casement = await Casement.start({ environment: { CASEMENT__JOURNAL__MAX_BYTES: String(1 << 20) }, flags: ["--no-ml"] });
  let filling: ChildProcess | undefined;
  try {
    await casement.reading("attic", "temperature", 12.5);
    const { page, wrong, close } = await visit(browser, casement.url, { viewport: SIZES.phone });
    await card(page, "attic").waitFor();
    const now = Date.now(),
      lines = Array.from({ length: 20_000 }, (_, at) =>
        JSON.stringify({ value: 20 + (at % 50) / 10, timestamp: new Date(now - at * 1_000).toISOString() }),
      );
    // It never comes to its end: what is not accepted is not acknowledged.
    const to = ["-h", "127.0.0.1", "-p", String(casement.mqttPort), "-q", "1", "-t", "sensor/attic/humidity", "-l"];
    const filler = (filling = spawn("mosquitto_pub", to, { stdio: ["pipe", "ignore", "ignore"] }));
    filler.stdin.on("error", () => undefined);
    filler.stdin.end(`${lines.join("\n")}\n`);
    await page.getByText("The journal is full: nothing is accepted.").waitFor();
    await page.getByText(/ClickHouse is away/).waitFor();
    expect(await serious(page)).toEqual([]);
    await expectNoSideways(page, "the journal is full");
    await shot(page, "journal-full");
    expect(wrong).toEqual([]);
    await close();
  } finally {
    if (filling) await end(filling);
    await casement.remove();
  }
});
