// Chromium, and pages that say when something is wrong with them: an error, a breach of the policy, a request elsewhere.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { expect } from "vitest";

const here = dirname(fileURLToPath(import.meta.url));
const SHOTS = process.env["SHOTS"] ?? join(here, "../../target/page");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How long anything may take on a busy machine, ms. */
export const PATIENCE = 30_000;
export const SIZES = {
  phone: { width: 360, height: 780 },
  laptop: { width: 1280, height: 820 },
  wall: { width: 1920, height: 1080 },
} as const;

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    timeout: 60_000,
  });
}

export interface Looked {
  page: Page;
  /** What went wrong so far. */
  wrong: string[];
  close: () => Promise<void>;
}

/** A visitor of their own, who speaks English and lives in Berlin unless it is said otherwise. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Looked> {
  const context = await browser.newContext({
    viewport: SIZES.laptop,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    colorScheme: "light",
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage(),
    wrong: string[] = [];
  page.on("pageerror", error => wrong.push(`error: ${error.message}`));
  page.on("console", message => {
    if (/Content Security Policy|Refused to/.test(message.text())) wrong.push(message.text());
  });
  page.on("request", request => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(url).origin) wrong.push(`request to ${request.url()}`);
  });
  page.on("dialog", dialog => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** Signs in with a token, as a person does. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto(new URL("/sign-in", page.url()).href);
  await page.fill("#password", token);
  await page.click("form button");
  await page.getByRole("button", { name: /Sign out|Abmelden/ }).waitFor();
}

/** A picture below target/page. */
export async function shot(page: Page, name: string, fullPage = false): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage });
}

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe finds serious or critical on a page. */
export async function serious(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = (await page.evaluate(
    async () => (await (window as unknown as { axe: { run: () => Promise<{ violations: unknown[] }> } }).axe.run()).violations,
  )) as Violation[];
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, impact, nodes }) =>
        `${impact} ${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary ?? ""}`)
          .join(" | ")}`,
    );
}

/** Nothing may be wider than the screen. */
export async function expectNoSideways(page: Page, where: string): Promise<void> {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")]
      .filter(element => element.getBoundingClientRect().right > width + 1)
      .slice(0, 5)
      .map(element => element.outerHTML.slice(0, 160));
  });
  expect(over, where).toEqual([]);
}

export const card = (page: Page, device_id: string) => page.locator(`article[data-device="${device_id}"]`);
