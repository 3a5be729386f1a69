#include <stdio.h>
#include <time.h>
#include "mqtt_client.h"

//tls:static const char CA[] =
//tls:{CA_QUOTED};

static esp_mqtt_client_handle_t start(void) {
  const esp_mqtt_client_config_t config = {
    .broker.address.uri = "{URL}",
    //tls:.broker.verification.certificate = CA,
    .credentials.username = "{ID}",
    .credentials.client_id = "{ID}",
    .credentials.authentication.password = "{PASSWORD}",
    .session.last_will = { .topic = "device/{ID}/status", .msg = "offline", .qos = 1, .retain = 1 },
    .buffer.size = 2048,
  };
  esp_mqtt_client_handle_t client = esp_mqtt_client_init(&config);
  esp_mqtt_client_start(client);
  return client;
}

// On MQTT_EVENT_CONNECTED: esp_mqtt_client_publish(client, "device/{ID}/status", "online", 0, 1, 1);
// and: esp_mqtt_client_subscribe(client, "window/{ID}/control", 1);

static void send_temperature(esp_mqtt_client_handle_t client, float celsius) {
  char reading[64];  // the time comes from SNTP: esp_netif_sntp_init()
  snprintf(reading, sizeof reading, "{\"value\": %.2f, \"timestamp\": %lld}", celsius, (long long)time(NULL));
  esp_mqtt_client_publish(client, "sensor/{ID}/temperature", reading, 0, 1, 0);
}
