// Messages over one connection, and when the broker acknowledged each.
import { connectAsync, type MqttClient } from "mqtt";
import type { Casement } from "./casement";

export class Publisher {
  private constructor(private readonly client: MqttClient) {}

  static async connect(casement: Casement): Promise<Publisher> {
    return new Publisher(await connectAsync(`mqtt://127.0.0.1:${casement.mqttPort}`));
  }

  /** Publishes at QoS 1. Returns when it was acknowledged, ms since 1970. */
  async reading(device_id: string, quantity: string, value: number): Promise<number> {
    const payload = JSON.stringify({ value, timestamp: new Date().toISOString() });
    await this.client.publishAsync(`sensor/${device_id}/${quantity}`, payload, { qos: 1 });
    return performance.timeOrigin + performance.now();
  }

  async end(): Promise<void> {
    await this.client.endAsync();
  }
}

/** Lets each of `devices` report once a second, one after the other, until it is told to stop. */
export function everySecond(publisher: Publisher, devices: readonly string[]): () => Promise<void> {
  let count = 0;
  const sent: Promise<number>[] = [];
  const timer = setInterval(() => {
    const device = devices[count % devices.length]!,
      value = 20 + 5 * Math.sin(count / 97);
    count += 1;
    sent.push(publisher.reading(device, "temperature", Number(value.toFixed(2))));
  }, 1_000 / devices.length);
  return async () => {
    clearInterval(timer);
    await Promise.all(sent);
  };
}
