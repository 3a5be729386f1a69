//! Whole modules that no `torch.save` wrote: hostile shapes, and attributes of any kind.

use proptest::prelude::*;

use super::{unpickle, write::archive};
use crate::{INPUTS, Model};

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn entries(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"}(".to_vec();
    for (key, value) in entries {
        out.extend(text(key));
        out.extend(value);
    }
    out.push(b'u');
    out
}

/// A module with these parts and other attributes.
fn module(class: &str, parts: &[(&str, Vec<u8>)], attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (package, name) = class.rsplit_once('.').expect("a module and a name");
    let tables = [
        ("_parameters", entries(&[])),
        ("_buffers", entries(&[])),
        ("_modules", entries(parts)),
    ];
    let state = entries(&[&tables[..], attributes].concat());
    let class = format!("c{package}\n{name}\n)").into_bytes();
    [class, vec![0x81], state, vec![b'b']].concat()
}

fn layer(name: &str, attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    module(&format!("torch.nn.modules.activation.{name}"), &[], attributes)
}

fn sequential(parts: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<String> = (0..parts.len()).map(|index| index.to_string()).collect();
    let with_names: Vec<(&str, Vec<u8>)> = names
        .iter()
        .map(String::as_str)
        .zip(parts.iter().cloned())
        .collect();
    module("torch.nn.modules.container.Sequential", &with_names, &[])
}

/// The tensors of a storage of ones, as `Linear` and buffers have them.
fn ones(key: usize, shape: &[usize]) -> Vec<u8> {
    let int = |number: usize| [&b"J"[..], &(number as i32).to_le_bytes()].concat();
    let tuple = |numbers: &[usize]| {
        [
            b"(".to_vec(),
            numbers.iter().flat_map(|n| int(*n)).collect(),
            b"t".to_vec(),
        ]
        .concat()
    };
    let strides: Vec<usize> = (0..shape.len())
        .map(|i| shape[i + 1..].iter().product())
        .collect();
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(&key.to_string()),
        text("cpu"),
        int(shape.iter().product()),
        b"tQ".to_vec(),
        int(0),
        tuple(shape),
        tuple(&strides),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ]
    .concat()
}

/// A file of the documented layout around this backbone, which keeps the 50 inputs.
fn file(backbone: &[u8]) -> Vec<u8> {
    let head = |key| {
        let tables = entries(&[("weight", ones(key, &[1, INPUTS])), ("bias", ones(key + 1, &[1]))]);
        let linear = [b"ctorch.nn.modules.linear\nLinear\n)".to_vec(), vec![0x81]].concat();
        let state = entries(&[
            ("_parameters", tables),
            ("_buffers", entries(&[])),
            ("_modules", entries(&[])),
        ]);
        [linear, state, b"b".to_vec()].concat()
    };
    let state = entries(&[
        ("_parameters", entries(&[])),
        (
            "_buffers",
            entries(&[
                ("feature_mean", ones(0, &[INPUTS])),
                ("feature_std", ones(1, &[INPUTS])),
            ]),
        ),
        (
            "_modules",
            entries(&[
                ("backbone", backbone.to_vec()),
                ("mean_head", head(2)),
                ("logvar_head", head(4)),
            ]),
        ),
    ]);
    let pickle = [
        b"\x80\x02cmine\nNet\n)".to_vec(),
        vec![0x81],
        state,
        b"b.".to_vec(),
    ]
    .concat();
    let floats = |count: usize| 1.0_f32.to_le_bytes().repeat(count);
    archive(
        &pickle,
        &[
            floats(INPUTS),
            floats(INPUTS),
            floats(INPUTS),
            floats(1),
            floats(INPUTS),
            floats(1),
        ],
    )
}

fn refused(backbone: &[u8]) -> String {
    Model::from_bytes(&file(backbone))
        .map(|model| model.layers().len())
        .expect_err("it is refused")
        .to_string()
}

fn number(value: f64) -> Vec<u8> {
    [&b"G"[..], &value.to_be_bytes()].concat()
}

#[test]
fn a_hand_made_module_is_read_as_torch_would() {
    let slope = layer("LeakyReLU", &[("negative_slope", number(0.25))]);
    let model = Model::from_bytes(&file(&sequential(&[slope, layer("Tanh", &[])]))).unwrap();
    assert_eq!(model.layers(), ["LeakyReLU(0.25)", "Tanh"]);
    // (-3 − 1) / 1 = −4, times 0.25, tanh, times 50, plus 1.
    let expected = 50.0 * (-1.0_f64).tanh() + 1.0;
    let found = model.predict(&[-3.0; INPUTS]).unwrap().log_variance.unwrap();
    assert!((found - expected.max(-6.0)).abs() < 1e-5, "{found}");
}

#[test]
fn parameters_that_are_no_numbers_are_refused() {
    for (attribute, words) in [
        (text("big"), "its attribute negative_slope is no finite number"),
        (
            number(f64::NAN),
            "its attribute negative_slope is no finite number",
        ),
        (
            b"cmine\nslope\n".to_vec(),
            "its attribute negative_slope is no finite number",
        ),
    ] {
        let message = refused(&sequential(&[layer(
            "LeakyReLU",
            &[("negative_slope", attribute)],
        )]));
        assert!(message.contains(words), "{message}");
    }
    let gelu = refused(&sequential(&[layer("GELU", &[("approximate", text("sigmoid"))])]));
    assert!(gelu.contains("neither 'none' nor 'tanh'"), "{gelu}");
    let replaced = refused(&sequential(&[layer(
        "Tanh",
        &[("forward", b"cmine\nforward\n".to_vec())],
    )]));
    assert!(replaced.contains("its forward was replaced"), "{replaced}");
    let hooked = entries(&[("1", b"cmine\nhook\n".to_vec())]);
    let hooked = refused(&sequential(&[layer("Tanh", &[("_forward_hooks", hooked)])]));
    assert!(hooked.contains("it has forward hooks"), "{hooked}");
    let unknown = refused(&sequential(&[layer("MultiheadAttention", &[])]));
    assert!(
        unknown.starts_with("the file states MultiheadAttention at `backbone.0`"),
        "{unknown}"
    );
    // A class that calls itself like torch's.
    let own = refused(&sequential(&[module("mine.nn.modules.Tanh", &[], &[])]));
    assert!(
        own.starts_with("the file states mine.nn.modules.Tanh at `backbone.0`, a class of its author's own"),
        "{own}"
    );
}

#[test]
fn modules_without_end_are_refused() {
    // Each level contains the one below twice: 2³⁰ layers.
    let mut nested = layer("Tanh", &[]);
    for _ in 0..30 {
        let twice = [nested, b"r\x01\0\0\0".to_vec()].concat();
        nested = sequential(&[twice, b"j\x01\0\0\0".to_vec()]);
    }
    let message = refused(&nested);
    assert!(
        message.contains("would fill the memory") || message.contains("more than 512 layers"),
        "{message}"
    );
    // A Sequential that contains itself.
    let class = b"ctorch.nn.modules.container\nSequential\n)".to_vec();
    let state = entries(&[
        ("_parameters", entries(&[])),
        ("_buffers", entries(&[])),
        ("_modules", entries(&[("0", b"j\x01\0\0\0".to_vec())])),
    ]);
    let own = [class, vec![0x81], b"r\x01\0\0\0".to_vec(), state, b"b".to_vec()].concat();
    let message = refused(&own);
    assert!(message.starts_with("unexpected entry 'backbone.0'"), "{message}");
    // Many layers, and many within each other.
    let message = refused(&sequential(&vec![layer("Tanh", &[]); 550]));
    assert!(
        message.contains("more than 512 layers") || message.contains("more than 65536 bytes"),
        "{message}"
    );
    let mut deep = layer("Tanh", &[]);
    for _ in 0..60 {
        deep = sequential(&[deep]);
    }
    let message = refused(&deep);
    assert!(
        message.contains("within each other") || message.contains("deep"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn arbitrary_pickles_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = unpickle::read(&bytes);
    }

    #[test]
    fn damaged_modules_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = file(&sequential(&[layer("Softplus", &[("beta", number(2.0))])]));
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let _ = Model::from_bytes(&bytes);
    }
}
