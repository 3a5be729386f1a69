// The controller of a window, as far as a broker sees it: it hears its commands and reports where it stands.
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { until, type Casement } from "./casement";

/** A command, as it arrives at the window. */
export interface Heard {
  position: number;
  command_id: string;
  origin?: string;
  reason?: string;
}

export class WindowClient {
  /** Every command so far. */
  readonly heard: Heard[] = [];
  private taken = 0;

  private constructor(
    private readonly casement: Casement,
    readonly device_id: string,
    private readonly listener: ChildProcess,
  ) {}

  /** Connects it; returns when its subscription is confirmed. */
  static async connect(casement: Casement, device_id: string): Promise<WindowClient> {
    const flags = ["-h", "127.0.0.1", "-p", String(casement.mqttPort), "-q", "1", "-d", "-t", `window/${device_id}/control`];
    const listener = spawn("stdbuf", ["-oL", "mosquitto_sub", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    const made = new WindowClient(casement, device_id, listener);
    let subscribed = false;
    createInterface(listener.stdout).on("line", line => {
      if (line.startsWith("Subscribed")) subscribed = true;
      if (line.startsWith("{")) made.heard.push(JSON.parse(line) as Heard);
    });
    await until(`window ${device_id} is connected`, () => subscribed);
    return made;
  }

  /** Its next command. */
  async command(): Promise<Heard> {
    const command = await until(`${this.device_id} is told where to go`, () => this.heard[this.taken]);
    this.taken += 1;
    return command;
  }

  /** Reports where it stands; with `command`, that it carries that one out. */
  async report(position: number, command?: Heard): Promise<void> {
    const answer = command ? { command_id: command.command_id } : {};
    await this.casement.publish(`window/${this.device_id}/state`, { position, ...answer, timestamp: new Date().toISOString() });
  }

  disconnect(): void {
    this.listener.kill("SIGTERM");
  }
}
