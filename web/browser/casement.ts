// A Casement of a test's own: on free ports, with a data directory that goes with it.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const START_MS = 60_000,
  END_MS = 15_000;

/** The binary under test. */
export function binary(): string {
  const path = process.env["CASEMENT_BIN"];
  if (!path) throw new Error("CASEMENT_BIN has to be the binary under test");
  return path;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/** What no waiting mends. */
class Over extends Error {}

/** Waits until a check gives something, or throws what it last said. */
export async function until<T>(
  what: string,
  check: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  within = 30_000,
): Promise<T> {
  const end = Date.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const found = await check();
      if (found) return found;
    } catch (error) {
      if (error instanceof Over) throw error;
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${within} ms ${last instanceof Error ? last.message : ""}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** A process of the binary under test. */
export class Program {
  private process: ChildProcess | null = null;
  private output = "";

  start(args: string[], environment: Record<string, string> = {}): void {
    const started = spawn(binary(), args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
    this.process = started;
    this.output = "";
    for (const stream of [started.stdout, started.stderr])
      stream.on("data", (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-20_000)));
  }

  /** Waits until it answers there. */
  async answers(url: string): Promise<void> {
    const { process } = this;
    await until(
      `${url} answers`,
      async () => {
        if (process?.exitCode !== null) throw new Over("it ended");
        return (await fetch(url)).ok;
      },
      START_MS,
    ).catch(error => {
      throw new Error(`${String(error)}\n${this.output.slice(-2_000)}`);
    });
  }

  /** Waits until it says so. */
  async says(text: string): Promise<void> {
    const { process } = this;
    await until(
      `it says “${text}”`,
      () => {
        if (process?.exitCode !== null) throw new Over(`it ended\n${this.output.slice(-2_000)}`);
        return this.output.includes(text);
      },
      START_MS,
    );
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.process?.kill(signal);
  }

  /** Ends it, without ceremony by default: as a crash would. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const ending = this.process;
    this.process = null;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise(resolve => ending.once("exit", resolve));
    ending.kill(signal);
    const late = setTimeout(() => ending.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(late);
  }
}

/** A directory that goes with whoever uses it. */
export const directory = (): string => mkdtempSync(join(tmpdir(), "casement-page-"));
export const removeDirectory = (path: string): void =>
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

interface Options {
  /** Whether it has a ClickHouse engine of its own. Without one it starts sooner and has no history. */
  engine?: boolean;
  /** The URL of a ClickHouse that runs elsewhere. */
  clickhouse?: string;
  /** The port of a broker that runs elsewhere on this machine. */
  broker?: number;
  /** A data directory that is there already, and stays. */
  data?: string;
  environment?: Record<string, string>;
  flags?: string[];
}

export class Casement {
  readonly program = new Program();

  private constructor(
    readonly data: string,
    private readonly isKept: boolean,
    readonly mqttPort: number,
    readonly httpPort: number,
    readonly clickhouse: string,
    private readonly hasHistory: boolean,
    private readonly environment: Record<string, string>,
    private readonly flags: string[],
    private readonly isGuest: boolean,
  ) {}

  static async start({
    engine = false,
    clickhouse,
    broker,
    data,
    environment = {},
    flags = [],
  }: Options = {}): Promise<Casement> {
    const [mqtt, http, free] = [broker ?? (await freePort()), await freePort(), await freePort()];
    // Without an engine: a ClickHouse of one's own that is not there.
    const where = clickhouse ?? (engine ? `127.0.0.1:${free}` : `http://127.0.0.1:${free}`);
    const made = new Casement(
      data ?? directory(),
      data !== undefined,
      mqtt,
      http,
      where,
      engine || !!clickhouse,
      environment,
      flags,
      broker !== undefined,
    );
    try {
      await made.begin();
    } catch (error) {
      await made.remove();
      throw error;
    }
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  async begin(): Promise<void> {
    const at = (port: number) => `127.0.0.1:${port}`;
    const addresses = [
      `--mqtt=${this.isGuest ? "mqtt://" : ""}${at(this.mqttPort)}`,
      `--http=${at(this.httpPort)}`,
      `--clickhouse=${this.clickhouse}`,
    ];
    this.program.start(["up", `--data=${this.data}`, ...addresses, ...this.flags], this.environment);
    await this.program.answers(`${this.url}/health`);
    // With its tables: before that, it has no history to show.
    if (this.hasHistory) await this.program.says("Casement is ready after");
  }

  end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    return this.program.end(signal);
  }

  async remove(): Promise<void> {
    await this.end("SIGTERM");
    if (!this.isKept) removeDirectory(this.data);
  }

  /** ClickHouse's answer to a statement. */
  async sql(statement: string): Promise<string> {
    const url = this.clickhouse.startsWith("http") ? this.clickhouse : `http://${this.clickhouse}`;
    const answer = await fetch(url, { method: "POST", body: statement });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${statement.slice(0, 200)}: ${text}`);
    return text;
  }

  /** The admin's token of the first start. */
  get token(): string {
    return readFileSync(join(this.data, "accounts/admin-token"), "utf8").trim();
  }

  /** Asks the API as admin. */
  async ask<T>(path: string, method = "GET", body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : null) as T;
  }

  /** Publishes at QoS 1; returns when the broker has acknowledged. */
  async publish(topic: string, payload: unknown, options: string[] = []): Promise<void> {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    await run("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(this.mqttPort), "-q", "1", "-t", topic, "-m", text, ...options], {
      timeout: 30_000,
    });
  }

  async reading(device_id: string, quantity: string, value: number): Promise<void> {
    await this.publish(`sensor/${device_id}/${quantity}`, { value, timestamp: new Date().toISOString() });
  }

  /** Many messages over one connection. */
  async publishLines(topic: string, lines: string[]): Promise<void> {
    const child = spawn("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(this.mqttPort), "-q", "1", "-t", topic, "-l"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    const ended = new Promise<number | null>(resolve => child.once("exit", resolve));
    child.stdin.end(`${lines.join("\n")}\n`);
    if ((await ended) !== 0) throw new Error(`mosquitto_pub on ${topic} failed`);
  }
}
