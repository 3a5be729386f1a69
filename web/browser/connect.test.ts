// How a device is told of Casement: lines that work as they are printed, in TLS as well.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { card, expectNoSideways, launch, serious, shot, signIn, SIZES, visit } from "./browser";
import { Casement, until } from "./casement";

const run = promisify(execFile);
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser?.close());

it("offers lines for mosquitto_pub that make a room as they are printed", async () => {
  const fresh = await Casement.start();
  const { page, close } = await visit(browser, fresh.url);
  try {
    await page.getByRole("button", { name: "mosquitto_pub" }).waitFor();
    const line = await until("the line names the broker", async () => {
      const text = await page.locator(".copy code").textContent();
      return text?.includes(String(fresh.mqttPort)) && text;
    });
    await page.getByText("From other machines no device reaches the broker").waitFor();
    expect(await serious(page)).toEqual([]);
    for (const [name, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      await expectNoSideways(page, `empty ${name}`);
      await shot(page, `empty-${name}`);
    }
    await run("sh", ["-c", line]);
    await card(page, "living-room").getByText("21.5 °C").waitFor();
  } finally {
    await close();
    await fresh.remove();
  }
});

/** One whose broker speaks TLS alone. */
async function startSafe(): Promise<{ safe: Casement; end: () => Promise<void> }> {
  const safe = await Casement.start();
  await safe.end("SIGTERM");
  const { data, httpPort, mqttPort } = safe;
  await run(process.env["CASEMENT_BIN"]!, ["provision", "tls", "--host", "127.0.0.1", `--data=${data}`]);
  const started = spawn(
    process.env["CASEMENT_BIN"]!,
    ["up", `--data=${data}`, `--http=127.0.0.1:${httpPort}`, "--clickhouse=http://127.0.0.1:1"],
    {
      stdio: "ignore",
      env: { ...process.env, CASEMENT__BROKER__LISTENERS: `[{addr: "127.0.0.1:${mqttPort}", tls: true}]` },
    },
  );
  const ended = new Promise(resolve => started.once("exit", resolve));
  const end = async () => {
    started.kill("SIGTERM");
    await ended;
    await safe.remove();
  };
  await until("it answers", async () => (await fetch(`${safe.url}/health`)).ok, 60_000).catch(async error => {
    await end();
    throw error;
  });
  return { safe, end };
}

it("tells devices where its authority is and how to know it; the lines for TLS work as they are printed", async () => {
  const { safe, end } = await startSafe();
  const { page, close } = await visit(browser, `${safe.url}/sign-in`),
    folder = mkdtempSync(join(tmpdir(), "casement-line-"));
  try {
    await signIn(page, safe.token);
    const print = await until("the digest is shown", async () => (await page.locator(".facts small code").textContent()) ?? "");
    const code = page.getByRole("img", { name: /^QR code of mqtts:/ });
    expect(await code.getAttribute("aria-label")).toContain(`ca_sha256=${print.replaceAll(":", "").toLowerCase()}`);
    const { password } = await safe.ask<{ password: string }>("/accounts", "POST", { name: "living-room", role: "device" });
    const lines = (await page.locator(".copy code").textContent())!.replace("PASSWORD", password);
    const { stdout } = await run("sh", ["-ec", lines], { cwd: folder });
    expect(stdout).toContain(print);
    await card(page, "living-room").getByText("21.5 °C").waitFor();
    // The same, later: where a device is added.
    await page.setViewportSize(SIZES.phone);
    await page.getByRole("button", { name: "Add a device" }).click();
    await page.getByText("How the device finds Casement").click();
    await page.getByText(print).first().waitFor();
    expect(await serious(page)).toEqual([]);
    await expectNoSideways(page, "adding a device");
    await shot(page, "adding-phone", true);
  } finally {
    await close();
    await end();
    rmSync(folder, { recursive: true });
  }
});
