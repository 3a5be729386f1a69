//! What both kinds of test need: clips, requests, models, a real Mosquitto.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    f64::consts::TAU,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use audio::{Extractor, FeatureOptions};
use domain::{AudioFormat, ClipLimits, DeviceId, InferenceRequest, RequestAudio, Timestamp};
use ml::{Decider, ModelSlot};
use model::Model;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Noon of the specification's examples.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_millis(1_761_307_200_000)
}

pub(crate) fn device(id: &str) -> DeviceId {
    DeviceId::parse(id).expect("a device id")
}

/// A tone as an ESP32 records it: 16 bit, mono, 16 kHz.
pub(crate) fn wav(hertz: f64, seconds: f64) -> Vec<u8> {
    let samples = (seconds * 16_000.0) as u32;
    let mut out = Vec::from(*b"RIFF");
    out.extend((36 + samples * 2).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(16_000_u32.to_le_bytes());
    out.extend(32_000_u32.to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend((samples * 2).to_le_bytes());
    for i in 0..samples {
        let x = (TAU * hertz * f64::from(i) / 16_000.0).sin();
        out.extend(((x * 8_000.0) as i16).to_le_bytes());
    }
    out
}

/// A request with only the specification's fields.
pub(crate) fn request(clip: Option<&[u8]>) -> InferenceRequest {
    InferenceRequest {
        device_id: device("sensor-001"),
        timestamp: noon(),
        temperature: 25.5,
        humidity: 60.0,
        audio: clip.map(|clip| RequestAudio {
            data_base64: mqtt::encode_audio_data(clip),
            sample_rate: 16_000,
            duration_s: 2.0,
            format: AudioFormat::Wav,
            audio_hash: None,
            features: None,
        }),
        expires_at: None,
    }
}

pub(crate) fn model_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.pth")
}

/// Another model, without a side-car.
pub(crate) fn other_model_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/goldens/regressor_h32.pth")
}

pub(crate) fn service() -> Decider {
    let model = Model::load(&model_path()).expect("the shipped model loads");
    let options = FeatureOptions {
        rate: Some(16_000),
        ..FeatureOptions::default()
    };
    Decider {
        models: ModelSlot::new(model).into(),
        extractor: Extractor::new(options).expect("the default features can be computed"),
        sample_rate: Some(16_000),
        clip_limits: ClipLimits::default(),
        command_ttl: Duration::from_mins(1),
    }
}

/// Debian's Mosquitto on a free port; ends with the test.
pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) addr: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Mosquitto {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("its address");
        drop(listener);
        let config = dir.path().join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 1000\nmax_queued_messages 0\n",
            addr.port()
        );
        fs::write(&config, text).expect("its configuration");
        let program = ["/usr/sbin/mosquitto", "mosquitto"]
            .into_iter()
            .find(|p| Path::new(p).exists())
            .unwrap_or("mosquitto");
        let child = Command::new(program)
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed (apt-get install mosquitto)");
        let started = Instant::now();
        while TcpStream::connect(addr).is_err() {
            assert!(started.elapsed() < PATIENCE, "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            child,
            addr,
            _dir: dir,
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
