// Lines that make a first message, for the broker at `host`. What people choose is quoted.

export interface Place {
  host: string;
  port: number;
  tls: boolean;
  /** The authority that signed the broker's certificate, where Casement has one of its own. */
  authority?: Authority;
  /**
   * Why devices on the network do not reach it there: the host is the name that the service's own machine has for itself (`unnamed`), the
   * broker listens for that machine alone (`closed`), or both may be so of a broker that is not the service's own (`beside`).
   */
  onlyHere?: "unnamed" | "closed" | "beside";
}

/** A certificate that is fetched before anybody can be trusted: its digest says whether it is the right one. */
export interface Authority {
  url: string;
  /** SHA-256 of the certificate, as `AB:CD:…`; empty where the browser computes none. */
  sha256: string;
}

/** The broker as a URL: what the QR code holds. */
export function brokerUrl({ host, port, tls }: Place): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `${tls ? "mqtts" : "mqtt"}://${name}:${port}`;
}

/** What the QR code holds: the broker, and in TLS where its authority is and how to know it. */
export function pairingUrl(place: Place): string {
  const { tls, authority } = place;
  if (!tls || !authority) return brokerUrl(place);
  const digest: Record<string, string> = authority.sha256
    ? { ca_sha256: authority.sha256.replaceAll(":", "").toLowerCase() }
    : {};
  return `${brokerUrl(place)}?${new URLSearchParams({ ca: authority.url, ...digest })}`;
}

/** The first certificate of a PEM file in DER; null where there is none. */
export function derOf(pem: string): Uint8Array<ArrayBuffer> | null {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (!body) return null;
  return Uint8Array.from(atob(body.replace(/\s/g, "")), letter => letter.charCodeAt(0));
}

/** Bytes as `AB:CD:…`. */
export function fingerprint(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
}

/** How a shell gets the authority, before the first message. */
function fetched({ tls, authority }: Place): string {
  if (!tls || !authority) return "";
  return `curl -sk -o ca.pem ${authority.url}
openssl x509 -in ca.pem -noout -fingerprint -sha256${authority.sha256 ? `   # ${authority.sha256}` : ""}
`;
}

/** Each language's lines. */
export function snippets(place: Place): { name: string; text: string }[] {
  const { host, port, tls } = place;
  return [
    {
      name: "mosquitto_pub",
      text: `${fetched(place)}mosquitto_pub -h ${host} -p ${port}${tls ? " --cafile ca.pem -u living-room -P PASSWORD" : ""} \\
  -q 1 -t sensor/living-room/temperature \\
  -m "{\\"value\\": 21.5, \\"timestamp\\": \\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\"}"`,
    },
    {
      name: "Arduino",
      text: `#include <WiFi${tls ? "ClientSecure" : ""}.h>
#include <PubSubClient.h>

WiFiClient${tls ? "Secure" : ""} net;
PubSubClient mqtt(net);

void setup() {
  configTime(0, 0, "pool.ntp.org");
  WiFi.begin("SSID", "PASSWORD");
  ${tls ? "net.setCACert(CA_PEM);\n  " : ""}mqtt.setServer("${host}", ${port});
}

void loop() {
  if (!mqtt.connected()) mqtt.connect("living-room"${tls ? ', "living-room", "PASSWORD"' : ""});
  mqtt.loop();
  time_t now = time(nullptr);
  char at[24], text[96];
  strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  snprintf(text, sizeof text, "{\\"value\\": %.2f, \\"timestamp\\": \\"%s\\"}", readTemperature(), at);
  mqtt.publish("sensor/living-room/temperature", text);
  delay(10000);
}`,
    },
    {
      name: "ESPHome",
      text: `mqtt:
  broker: ${host}
  port: ${port}${tls ? "\n  username: living-room\n  password: !secret mqtt_password\n  certificate_authority: !secret ca_pem" : ""}
  client_id: living-room

time:
  - platform: sntp
    id: clock
    timezone: UTC

sensor:
  - platform: dht
    pin: GPIO4
    temperature:
      name: Temperature
      on_value:
        - mqtt.publish_json:
            topic: sensor/living-room/temperature
            qos: 1
            payload: |-
              root["value"] = x;
              root["timestamp"] = id(clock).now().strftime("%Y-%m-%dT%H:%M:%SZ");`,
    },
    {
      name: "ESP-IDF",
      text: `esp_mqtt_client_config_t config = {
    .broker.address.uri = "${brokerUrl(place)}",${tls ? '\n    .broker.verification.certificate = ca_pem,\n    .credentials.username = "living-room",\n    .credentials.authentication.password = PASSWORD,' : ""}
    .credentials.client_id = "living-room",
};
esp_mqtt_client_handle_t client = esp_mqtt_client_init(&config);
esp_mqtt_client_start(client);

time_t now = time(NULL);
char at[24], text[96];
strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
int length = snprintf(text, sizeof text, "{\\"value\\": %.2f, \\"timestamp\\": \\"%s\\"}", celsius, at);
esp_mqtt_client_publish(client, "sensor/living-room/temperature", text, length, 1, 0);`,
    },
  ];
}
