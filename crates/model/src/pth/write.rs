//! Writing a state dict as `torch.save` does: a stored zip with a protocol 2 pickle and storages at multiples of 64
//! bytes, which `torch.load(weights_only=True)` reads and maps.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::NamedTensor;

/// Alignment of storages, as in PyTorch's files.
const ALIGNMENT: u16 = 64;

/// Returns the bytes of a `.pth` file with these tensors, as float32, in this order.
///
/// # Panics
/// If a tensor has another number of values than its shape says.
pub fn write(tensors: &[NamedTensor]) -> Vec<u8> {
    for tensor in tensors {
        let elements: usize = tensor.shape.iter().product();
        assert_eq!(
            tensor.values.len(),
            elements,
            "tensor '{}' does not fill its shape",
            tensor.name
        );
    }
    let storages = tensors.iter().map(|tensor| {
        tensor
            .values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    });
    archive(&state_dict(tensors), &storages.collect::<Vec<_>>())
}

/// Returns the zip container of a pickle and its storages.
pub(crate) fn archive(pickle: &[u8], storages: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .with_alignment(ALIGNMENT);
    let mut entry = |name: &str, bytes: &[u8]| {
        zip.start_file(format!("archive/{name}"), stored)
            .and_then(|()| Ok(zip.write_all(bytes)?))
    };
    let mut write_all = || {
        entry("data.pkl", pickle)?;
        entry(".format_version", b"1")?;
        entry(".storage_alignment", b"64")?;
        entry("byteorder", b"little")?;
        for (key, storage) in storages.iter().enumerate() {
            entry(&format!("data/{key}"), storage)?;
        }
        entry("version", b"3\n")
    };
    write_all().expect("writing to memory cannot fail");
    zip.finish().expect("writing to memory cannot fail").into_inner()
}

/// Returns the pickle of `OrderedDict([(name, _rebuild_tensor_v2(storage, 0, shape, stride, False, OrderedDict())),
/// …])`.
pub(crate) fn state_dict(tensors: &[NamedTensor]) -> Vec<u8> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (key, tensor) in tensors.iter().enumerate() {
        text(&mut out, &tensor.name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(b"ctorch\nFloatStorage\n");
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        int(&mut out, tensor.values.len());
        out.extend(b"tQ");
        int(&mut out, 0);
        tuple(&mut out, &tensor.shape);
        tuple(&mut out, &strides(&tensor.shape));
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for place in (1..shape.len()).rev() {
        strides[place - 1] = strides[place] * shape[place];
    }
    strides
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn int(out: &mut Vec<u8>, number: usize) {
    let number = i32::try_from(number).expect("a tensor of a model has fewer than 2^31 elements");
    out.push(b'J');
    out.extend(number.to_le_bytes());
}

fn tuple(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    for number in numbers {
        int(out, *number);
    }
    out.push(b't');
}
