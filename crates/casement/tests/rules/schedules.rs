//! What opens windows: airing, night cooling.

use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{House, is};

pub(crate) async fn airing(house: &House) {
    let air = json!({"kind": "airing", "co2_above": 1200, "for_s": 4, "every_s": 3600});
    let settings = json!({"min_interval_s": 0, "schedules": {"air": air}});
    house.set_up("office", "office", settings, Some(20.0)).await;
    let waiting = house.until_active("office", false).await;
    assert_eq!(
        (&waiting["kind"], &waiting["next"]),
        (&json!("airing"), &Value::Null)
    );
    house.read("office", "co2", 1_450.0).await;
    let wide = house.command("office", 0).await;
    is(&wide, 100.0, "schedule");
    assert!(wide.reason.contains("1450 ppm"), "{}", wide.reason);
    let back = house.command("office", 1).await;
    is(&back, 20.0, "schedule");
    let lasted = back.at.duration_since(wide.at);
    assert!(lasted >= Duration::from_secs(3), "{lasted:?}");
    // Not again within the hour, however stuffy it is.
    house.read("office", "co2", 2_000.0).await;
    let next = house.until_active("office", false).await;
    assert!(next["next"].is_string(), "{next}");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(house.of("office").len(), 2);
}

pub(crate) async fn night_cooling(house: &House) {
    let night = json!({"kind": "night_cooling", "from": "00:00", "until": "00:00", "position": 60});
    let settings = json!({"min_interval_s": 0, "outdoor_sensor": "yard", "schedules": {"night": night}});
    house.set_up("bedroom", "bedroom", settings, Some(0.0)).await;
    house.until_active("bedroom", false).await;
    house.read("yard", "temperature", 18.0).await;
    house.read("bedroom", "temperature", 26.0).await;
    let open = house.command("bedroom", 0).await;
    is(&open, 60.0, "schedule");
    assert_eq!(open.reason, "night cooling: 26.0 °C inside, 18.0 °C outside");
    let active = house.until_active("bedroom", true).await;
    assert!(active["until"].is_string(), "{active}");
    house.read("bedroom", "temperature", 22.5).await;
    is(&house.command("bedroom", 1).await, 0.0, "schedule");
    house.until_active("bedroom", false).await;
}
