//! What a service refuses at its start.

use std::path::Path;

use audio::FeatureOptions;
use ml::{Ml, MlOptions};
use model::Device;
use monitoring::Registry;
use mqtt::{BrokerUrl, ConnectionOptions, Topics};

use crate::support::model_path;

#[test]
fn what_cannot_serve_does_not_start() {
    let connection = || ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", 1), "x");
    let open = |path: &Path, device| {
        let mut options = MlOptions::new(connection(), Topics::default(), path, "v0");
        options.load.device = device;
        let error = Ml::open(options, &mut Registry::default()).map(drop).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        (error.to_string(), cause.unwrap_or_default())
    };
    let (message, cause) = open(&model_path(), Device::Cuda(0));
    assert!(message.ends_with("cannot be used; see model.path"), "{message}");
    assert!(cause.contains("set model.device: cpu"), "{cause}");
    assert_eq!(
        open(Path::new("none.pth"), Device::Cpu).0,
        "the model none.pth cannot be used; see model.path"
    );
    // Other audio numbers than the model was trained on.
    let with = |change: fn(&mut FeatureOptions)| {
        let mut options = MlOptions::new(connection(), Topics::default(), model_path(), "v0");
        change(&mut options.features);
        Ml::open(options, &mut Registry::default())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let refused = with(|features| features.hop = 256);
    assert!(
        refused.contains("hop_length=256") && refused.contains("trained on"),
        "{refused}"
    );
    assert!(with(|features| features.preprocessing.remove_dc = true).contains("remove_dc"));
    assert!(with(|features| features.n_mfcc = 13).contains("audio.n_mfcc is 13"));
    assert!(
        "tpu"
            .parse::<Device>()
            .unwrap_err()
            .to_string()
            .contains("expected cpu, cuda")
    );
}
