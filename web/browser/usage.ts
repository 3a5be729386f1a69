// Processor time of processes.
import { readdirSync, readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import type { Browser } from "playwright-core";

const TICKS = Number(execFileSync("getconf", ["CLK_TCK"]).toString());

function stat(pid: number): { parent: number; seconds: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8"),
      fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / TICKS };
  } catch {
    return null;
  }
}

/** Of a process and its children, s. */
export function secondsOf(pid: number): number {
  const all = readdirSync("/proc").filter(name => /^\d+$/.test(name));
  const children = all.filter(name => stat(Number(name))?.parent === pid);
  return [pid, ...children.map(Number)].reduce((sum, one) => sum + (stat(one)?.seconds ?? 0), 0);
}

/** Of a browser's renderers, and of its other processes, s. */
export async function secondsOfBrowser(browser: Browser): Promise<{ renderer: number; others: number }> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const sum = (isRenderer: boolean) =>
    processInfo.filter(({ type }) => (type === "renderer") === isRenderer).reduce((total, { cpuTime }) => total + cpuTime, 0);
  return { renderer: sum(true), others: sum(false) };
}

export const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[values.length >> 1] ?? NaN;

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** Shares of one core over so many seconds. */
export async function shares(browser: Browser, pid: number, seconds: number) {
  const at = performance.now(),
    server = secondsOf(pid),
    before = await secondsOfBrowser(browser);
  await pause(seconds * 1_000);
  const after = await secondsOfBrowser(browser),
    took = (performance.now() - at) / 1_000;
  return {
    server: (secondsOf(pid) - server) / took,
    renderer: (after.renderer - before.renderer) / took,
    others: (after.others - before.others) / took,
  };
}

export const percentOf = (share: number): string => `${(100 * share).toFixed(2)} % of a core`;
export const load = (): string => readFileSync("/proc/loadavg", "utf8").split(" ")[0]!;

/** Notes a figure, with the machine's load. */
export function note(what: string, figure: string): void {
  console.log(`| ${what} | ${figure} | ${load()} |`);
}
