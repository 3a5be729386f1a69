// A ClickHouse engine as a process of its own, which a test stops and starts again.
import { directory, freePort, Program, removeDirectory } from "./casement";

export class Engine {
  private readonly program = new Program();
  private readonly data = directory();

  private constructor(private readonly port: number) {}

  static async start(): Promise<Engine> {
    const made = new Engine(await freePort());
    await made.begin();
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async begin(): Promise<void> {
    this.program.start(["engine", `--data=${this.data}`, `--clickhouse=127.0.0.1:${this.port}`]);
    await this.program.answers(`${this.url}/ping`);
  }

  /** As a crash would. */
  end(): Promise<void> {
    return this.program.end();
  }

  async remove(): Promise<void> {
    await this.program.end("SIGTERM");
    removeDirectory(this.data);
  }
}
