//! Files that must be refused, each with the words that tell a person why; and the way out and back.

use proptest::prelude::*;

use super::{NamedTensor, write, write::archive};
use crate::{INPUTS, LoadError, Model};

fn tensor(name: &str, shape: &[usize]) -> NamedTensor {
    let elements = shape.iter().product();
    let values = (0..elements).map(|i| 0.5 + (i * 7 % 13) as f32 / 13.0).collect();
    NamedTensor {
        name: name.into(),
        shape: shape.to_vec(),
        values,
    }
}

fn layers(widths: &[usize]) -> Vec<NamedTensor> {
    let mut tensors = vec![
        tensor("feature_mean", &[INPUTS]),
        tensor("feature_std", &[INPUTS]),
    ];
    let mut inputs = INPUTS;
    for (place, &width) in widths.iter().enumerate() {
        tensors.push(tensor(
            &format!("backbone.{}.weight", place * 2),
            &[width, inputs],
        ));
        tensors.push(tensor(&format!("backbone.{}.bias", place * 2), &[width]));
        inputs = width;
    }
    for head in ["mean_head", "logvar_head"] {
        tensors.push(tensor(&format!("{head}.weight"), &[1, inputs]));
        tensors.push(tensor(&format!("{head}.bias"), &[1]));
    }
    tensors
}

fn refusal(tensors: &[NamedTensor]) -> String {
    refused(&write(tensors))
}

fn refused(bytes: &[u8]) -> String {
    Model::from_bytes(bytes).unwrap_err().to_string()
}

/// A good state dict whose pickle goes on with `more` entries before it ends.
fn with_entries(more: &[u8]) -> Vec<u8> {
    with_pickle(|pickle| {
        pickle.truncate(pickle.len() - 2);
        pickle.extend(more);
        pickle.extend(b"u.");
    })
}

fn with_pickle(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let tensors = layers(&[4]);
    let mut pickle = super::write::state_dict(&tensors);
    change(&mut pickle);
    let storages: Vec<Vec<u8>> = tensors
        .iter()
        .map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    archive(&pickle, &storages)
}

#[test]
fn what_is_written_is_read() {
    for widths in [&[1][..], &[96, 96], &[64, 32, 16], &[33, 7, 5, 3]] {
        let model = Model::from_bytes(&write(&layers(widths))).unwrap();
        assert_eq!(model.hidden_widths(), widths);
        assert!(model.predict(&[0.6; INPUTS]).is_ok());
    }
}

#[test]
fn storages_are_aligned() {
    let bytes = write(&layers(&[4]));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).unwrap();
        assert_eq!(entry.data_start().unwrap() % 64, 0, "{}", entry.name().unwrap());
        assert_eq!(entry.compressed_size(), entry.size());
    }
}

#[test]
fn a_missing_tensor_is_named_with_its_shape() {
    for (gone, message) in [
        (
            "feature_std",
            "tensor 'feature_std' is missing, expected with shape [50]",
        ),
        (
            "backbone.0.weight",
            "tensor 'backbone.0.weight' is missing, expected with shape [hidden, 50]",
        ),
        (
            "backbone.2.bias",
            "tensor 'backbone.2.bias' is missing, expected with shape [5]",
        ),
        (
            "logvar_head.weight",
            "tensor 'logvar_head.weight' is missing, expected with shape [1, 5]",
        ),
        (
            "mean_head.bias",
            "tensor 'mean_head.bias' is missing, expected with shape [1]",
        ),
    ] {
        let mut tensors = layers(&[4, 5]);
        tensors.retain(|tensor| tensor.name != gone);
        assert_eq!(refusal(&tensors), message);
    }
    let tensors = [tensor("weight", &[2]), tensor("bias", &[1])];
    let message = refusal(&tensors);
    assert!(
        message.starts_with(
            "the file has no tensor 'feature_mean'; it holds bias, weight, and how they are computed"
        ),
        "{message}"
    );
}

#[test]
fn shapes_must_form_a_chain() {
    for (name, shape, message) in [
        (
            "feature_mean",
            &[49][..],
            "tensor 'feature_mean' has shape [49], expected [50]",
        ),
        (
            "backbone.0.weight",
            &[4, 49],
            "tensor 'backbone.0.weight' has shape [4, 49], expected [hidden, 50]",
        ),
        (
            "backbone.0.bias",
            &[5],
            "tensor 'backbone.0.bias' has shape [5], expected [4]",
        ),
        (
            "backbone.2.weight",
            &[5, 6],
            "tensor 'backbone.2.weight' has shape [5, 6], expected [hidden, 4]",
        ),
        (
            "backbone.2.weight",
            &[0, 4],
            "tensor 'backbone.2.weight' has shape [0, 4], expected [hidden, 4]",
        ),
        (
            "mean_head.weight",
            &[2, 5],
            "tensor 'mean_head.weight' has shape [2, 5], expected [1, 5]",
        ),
        (
            "logvar_head.bias",
            &[],
            "tensor 'logvar_head.bias' has shape [], expected [1]",
        ),
    ] {
        let mut tensors = layers(&[4, 5]);
        let place = tensors.iter().position(|tensor| tensor.name == name).unwrap();
        tensors[place] = tensor(name, shape);
        assert_eq!(refusal(&tensors), message);
    }
}

#[test]
fn weights_must_be_finite_and_deviations_positive() {
    for (place, index, value, message) in [
        (
            0,
            3,
            f32::NAN,
            "tensor 'feature_mean' has NaN at index 3, expected finite numbers",
        ),
        (
            2,
            17,
            f32::INFINITY,
            "tensor 'backbone.0.weight' has inf at index 17, expected finite numbers",
        ),
        (
            1,
            49,
            0.0,
            "tensor 'feature_std' has 0 at index 49, expected more than 0",
        ),
        (
            1,
            0,
            -1.5,
            "tensor 'feature_std' has -1.5 at index 0, expected more than 0",
        ),
    ] {
        let mut tensors = layers(&[4]);
        tensors[place].values[index] = value;
        assert_eq!(refusal(&tensors), message);
    }
}

#[test]
fn nothing_may_be_left_over() {
    let mut tensors = layers(&[4]);
    tensors.push(tensor("neck.weight", &[4, 4]));
    assert!(refusal(&tensors).starts_with("unexpected entry 'neck.weight' (torch.Tensor); expected only"));
    let entry = with_entries(b"X\x05\x00\x00\x00extraK\x01");
    assert!(
        refused(&entry).starts_with("unexpected entry 'extra' (int)"),
        "{}",
        refused(&entry)
    );
    let object = with_entries(b"X\x05\x00\x00\x00extracmine\nThing\n)R");
    assert!(
        refused(&object).starts_with("unexpected entry 'extra' (mine.Thing)"),
        "{}",
        refused(&object)
    );
}

#[test]
fn several_models_in_one_file_are_ambiguous() {
    let mut tensors = layers(&[4]);
    tensors.push(tensor("ema.feature_mean", &[INPUTS]));
    assert_eq!(
        refusal(&tensors),
        "the file holds several models: 'feature_mean', 'ema.feature_mean'; save only one of them"
    );
}

#[test]
fn other_element_types_are_refused() {
    let half = with_pickle(|pickle| {
        let text = String::from_utf8_lossy(pickle).into_owned();
        let at = text.find("FloatStorage").unwrap();
        let at = pickle
            .windows(12)
            .position(|window| window == b"FloatStorage")
            .unwrap_or(at);
        pickle.splice(at..at + 12, *b"HalfStorage");
    });
    assert!(
        refused(&half).starts_with("tensor 'feature_mean' is F16, expected float32"),
        "{}",
        refused(&half)
    );
}

#[test]
fn code_in_a_pickle_is_never_run_and_always_refused() {
    let marker = std::env::temp_dir().join("casement-hostile-pickle-ran");
    let command = format!("touch {}", marker.display());
    let mut entry = b"X\x04\x00\x00\x00evilcposix\nsystem\n(S'".to_vec();
    entry.extend(command.as_bytes());
    entry.extend(b"'\ntR");
    assert!(refused(&with_entries(&entry)).starts_with("the pickle refers to posix.system"));
    let hidden: [&[u8]; 5] = [
        b"X\x04\x00\x00\x00evilcbuiltins\neval\n(S'1'\ntR",
        b"X\x04\x00\x00\x00evilc__builtin__\ngetattr\n(NNtR",
        b"X\x04\x00\x00\x00evil(S'id'\nios\nsystem\n",
        b"X\x04\x00\x00\x00evil\x8c\x0asubprocess\x8c\x05Popen\x93)R",
        // Imported, then thrown away.
        b"crunpy\n_run_code\n0",
    ];
    for entry in hidden {
        let message = refused(&with_entries(entry));
        assert!(message.contains("the file is hostile"), "{message}");
    }
    // In place of the whole model, and behind the pickle's end, where nobody reads.
    assert!(refused(&archive(b"cos\nsystem\n(S'id'\ntR.", &[])).contains("os.system"));
    assert!(!marker.exists());
}

#[test]
fn memory_is_never_exhausted() {
    // A pickle of 1 MB; a list that doubles itself 40 times; ten thousand levels; a length of 4 GB.
    let large = archive(
        &[b"\x80\x02(".as_slice(), &vec![b'N'; 1 << 20], b"t."].concat(),
        &[],
    );
    assert!(refused(&large).starts_with("the pickle has more than 65536 bytes"));
    let doubling: Vec<u8> = b"\x80\x02]"
        .iter()
        .copied()
        .chain(b"q\x00h\x00h\x00\x86".repeat(40))
        .chain(*b".")
        .collect();
    assert!(refused(&archive(&doubling, &[])).contains("would fill the memory"));
    // Five thousand dicts, referred to a hundred times: half a million dicts in the reader.
    let dicts = [
        b"\x80\x02]q\x00(".as_slice(),
        &b"}K\x01Ns".repeat(5_000),
        b"eq\x00",
        &b"h\x00".repeat(100),
        b".",
    ]
    .concat();
    assert!(refused(&archive(&dicts, &[])).contains("would fill the memory"));
    let deep = [b"\x80\x02N".as_slice(), &vec![0x85; 10_000], b"."].concat();
    assert!(matches!(
        Model::from_bytes(&archive(&deep, &[])).unwrap_err(),
        LoadError::Reader(_)
    ));
    let long = archive(b"\x80\x02X\xff\xff\xff\xffabc.", &[]);
    assert!(refused(&long).starts_with("the .pth container is damaged: the pickle cannot be read"));
    // A view that claims 4 billion elements of a storage of one, with stride 0.
    let view = with_pickle(|pickle| {
        let shape = [b"(J\x32\x00\x00\x00t(J\x01\x00\x00\x00t".as_slice()].concat();
        let at = pickle
            .windows(shape.len())
            .position(|window| window == shape)
            .unwrap();
        pickle.splice(
            at..at + shape.len(),
            *b"(J\xff\xff\x00\x00J\xff\xff\x00\x00t(J\x00\x00\x00\x00J\x00\x00\x00\x00t",
        );
    });
    assert!(matches!(
        Model::from_bytes(&view).unwrap_err(),
        LoadError::TooLarge { .. } | LoadError::Reader(_)
    ));
    assert!(matches!(
        Model::from_bytes(&vec![0; (16 << 20) + 1]).unwrap_err(),
        LoadError::TooLarge { .. }
    ));
}

#[test]
fn an_old_container_with_an_endless_pickle_is_refused() {
    let start = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";
    let bytes = [start.as_slice(), b"\x80\x02(", &vec![b'N'; 1 << 20], b"t."].concat();
    assert!(refused(&bytes).starts_with("the pickle has more than 65536 bytes"));
    let bytes = [start.as_slice(), b"\x80\x02cos\nsystem\n(S'id'\ntR.\x80\x02]."].concat();
    assert!(refused(&bytes).contains("os.system"));
}

#[test]
fn other_files_get_a_hint() {
    let script = {
        use std::io::Write as _;
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for name in ["m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"] {
            zip.start_file(name, stored).unwrap();
            zip.write_all(b"\x80\x02N.").unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    for (bytes, words) in [
        (
            script,
            "this is TorchScript (torch.jit.save); make an .onnx file of it with training/export_onnx.py, or save the",
        ),
        (Vec::new(), "this is an empty file, not a .pth file"),
        (b"\x80\x04]\x94.".to_vec(), "this is a pickle, not a .pth file"),
        (b"\x08\x08\x12\x07pytorch".to_vec(), "this is an ONNX file"),
        (
            b"\x10\0\0\0\0\0\0\0{\"a\":1}".to_vec(),
            "this is a safetensors file",
        ),
        (b"hello".to_vec(), "this is another kind of file"),
        (
            b"PK\x03\x04".to_vec(),
            "the .pth container is damaged: its table of contents at the end is missing",
        ),
    ] {
        let message = refused(&bytes);
        assert!(message.starts_with(words), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Model::from_bytes(&bytes);
        let _ = Model::from_bytes(&archive(&bytes, &[]));
    }

    #[test]
    fn a_damaged_file_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = write(&layers(&[4]));
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let _ = Model::from_bytes(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }
}
