// Libraries: WiFi, PubSubClient
#include <WiFi.h>
//tls:#include <WiFiClientSecure.h>
#include <PubSubClient.h>
#include <time.h>

//tls:const char CA[] =
//tls:{CA_QUOTED};
//tls:WiFiClientSecure network;
//plain:WiFiClient network;
PubSubClient mqtt(network);

void command(char *topic, byte *payload, unsigned int length) {
  // {"position": 65.0, …}: move the window, then publish window/{ID}/state
}

void setup() {
  WiFi.begin("YOUR-WIFI", "ITS-PASSWORD");
  while (WiFi.status() != WL_CONNECTED) delay(100);
  configTime(0, 0, "pool.ntp.org");  // certificates and readings need the time
  while (time(nullptr) < 1600000000) delay(100);
  //tls:network.setCACert(CA);
  mqtt.setServer("{HOST}", {PORT});
  mqtt.setBufferSize(2048);
  mqtt.setCallback(command);
}

void loop() {
  if (!mqtt.connected()) {
    if (!mqtt.connect("{ID}", "{ID}", "{PASSWORD}", "device/{ID}/status", 1, true, "offline")) {
      delay(5000);
      return;
    }
    mqtt.publish("device/{ID}/status", "online", true);
    mqtt.subscribe("window/{ID}/control", 1);
  }
  mqtt.loop();
  static unsigned long last = 0;
  if (millis() - last > 10000) {
    last = millis();
    char reading[64];
    snprintf(reading, sizeof reading, "{\"value\": %.2f, \"timestamp\": %lld}", 21.5, (long long)time(nullptr));
    mqtt.publish("sensor/{ID}/temperature", reading);
  }
}
