//! ClickHouse's own compression of HTTP bodies: blocks of LZ4, Zstandard or plain bytes, each under a `CityHash`
//! checksum.
//!
//! Block: 16 bytes `CityHash128` (v1.0.2) of the rest, 1 byte method (0x82 LZ4, 0x90 Zstandard, 0x02 none), 4 bytes
//! compressed size with its 9-byte header, 4 bytes size, then the data; little-endian.

use std::io::{self, Cursor, Read};

use crate::{
    exception::{Exception, INCORRECT_DATA},
    sql::steps,
};

const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const NONE: u8 = 0x02;
/// Clients send blocks of about a megabyte; the largest hold a column of a batch. A block is in memory as a whole, twice.
pub(crate) const MAX_BLOCK: usize = 64 << 20;
/// The largest window of a Zstandard block: the largest block.
const WINDOW_LOG: u32 = 26;
const PIECE: usize = 64 << 10;
/// The most bytes that one byte of LZ4 decompresses to.
const LZ4_AT_MOST: usize = 255;

/// Decompresses blocks as their bytes arrive, one at a time: few bytes may hold many large ones.
#[derive(Debug)]
pub(crate) struct BlockReader {
    /// A larger block is refused before it is waited for.
    largest: usize,
    waiting: Vec<u8>,
    /// Where the next block begins.
    at: usize,
}

impl BlockReader {
    pub(crate) fn new(largest: usize) -> Self {
        Self {
            largest,
            waiting: Vec::new(),
            at: 0,
        }
    }

    /// Takes bytes of the body.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let moved = if self.at == 0 {
            0
        } else {
            self.waiting.len() - self.at
        };
        steps::count(moved + bytes.len());
        self.waiting.drain(..std::mem::take(&mut self.at));
        self.waiting.extend_from_slice(bytes);
    }

    /// Returns the decompressed bytes of the next block that is complete.
    pub(crate) fn next_block(&mut self) -> Result<Option<Vec<u8>>, Exception> {
        let rest = &self.waiting[self.at..];
        let Some(length) = block_length(rest, self.largest)? else {
            return Ok(None);
        };
        let mut plain = Vec::new();
        decompress(&rest[..length], &mut plain)?;
        self.at += length;
        Ok(Some(plain))
    }

    /// Refuses a body that ends within a block.
    pub(crate) fn finish(&self) -> Result<(), Exception> {
        if self.waiting.len() == self.at {
            Ok(())
        } else {
            Err(damaged("the body ends within a compressed block"))
        }
    }
}

/// Reads blocks from a reader of the body.
pub(crate) struct BlockDecoder<R> {
    from: R,
    piece: Vec<u8>,
    blocks: BlockReader,
    plain: Cursor<Vec<u8>>,
}

impl<R: Read> BlockDecoder<R> {
    pub(crate) fn new(from: R, largest: usize) -> Self {
        Self {
            from,
            piece: vec![0; PIECE],
            blocks: BlockReader::new(largest),
            plain: Cursor::default(),
        }
    }
}

impl<R: Read> Read for BlockDecoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let broken = |error: Exception| io::Error::other(error.reason().to_owned());
        loop {
            let taken = self.plain.read(into)?;
            if taken > 0 {
                return Ok(taken);
            }
            if let Some(plain) = self.blocks.next_block().map_err(broken)? {
                self.plain = Cursor::new(plain);
                continue;
            }
            let length = self.from.read(&mut self.piece)?;
            if length == 0 {
                return self.blocks.finish().map_err(broken).map(|()| 0);
            }
            self.blocks.feed(&self.piece[..length]);
        }
    }
}

fn damaged(what: &str) -> Exception {
    Exception::new(INCORRECT_DATA, "INCORRECT_DATA", what)
}

fn size_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

fn block_length(bytes: &[u8], largest: usize) -> Result<Option<usize>, Exception> {
    if bytes.len() < CHECKSUM + HEADER {
        return Ok(None);
    }
    let (compressed, plain) = (size_at(bytes, CHECKSUM + 1), size_at(bytes, CHECKSUM + 5));
    if !(HEADER..=largest).contains(&compressed) || plain > largest {
        return Err(damaged("a compressed block is larger than allowed"));
    }
    let length = CHECKSUM + compressed;
    Ok((bytes.len() >= length).then_some(length))
}

fn decompress(block: &[u8], plain: &mut Vec<u8>) -> Result<(), Exception> {
    let (checksum, content) = block.split_at(CHECKSUM);
    let hash = cityhash_rs::cityhash_102_128(content);
    // The checksum's two halves are written high half first, each little-endian.
    let expected = hash.rotate_left(64).to_le_bytes();
    if checksum != expected {
        return Err(damaged("checksum of a compressed block does not match"));
    }
    let size = size_at(content, 5);
    let start = plain.len();
    match content[0] {
        NONE => plain.extend_from_slice(&content[HEADER..]),
        LZ4 if size > content.len() * LZ4_AT_MOST => return Err(damaged("a compressed block is not LZ4")),
        LZ4 => {
            plain.resize(start + size, 0);
            let written = lz4_flex::block::decompress_into(&content[HEADER..], &mut plain[start..]);
            if written.ok() != Some(size) {
                return Err(damaged("a compressed block is not LZ4"));
            }
        }
        ZSTD => {
            let data = zstd::stream::read::Decoder::with_buffer(&content[HEADER..]);
            let read = data.and_then(|mut data| {
                data.window_log_max(WINDOW_LOG)?;
                data.take(size as u64 + 1).read_to_end(plain)
            });
            if read.ok() != Some(size) {
                return Err(damaged("a compressed block is not Zstandard"));
            }
        }
        _ => return Err(damaged("unknown compression method of a block")),
    }
    Ok(())
}

/// Returns one block, compressed with LZ4.
pub(crate) fn compress(plain: &[u8]) -> Vec<u8> {
    block(LZ4, &lz4_flex::block::compress(plain), plain.len())
}

fn block(method: u8, data: &[u8], size: usize) -> Vec<u8> {
    let mut content = Vec::with_capacity(HEADER + data.len());
    content.push(method);
    content.extend(((HEADER + data.len()) as u32).to_le_bytes());
    content.extend((size as u32).to_le_bytes());
    content.extend(data);
    let mut block = cityhash_rs::cityhash_102_128(&content)
        .rotate_left(64)
        .to_le_bytes()
        .to_vec();
    block.append(&mut content);
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_method_is_read_and_none_takes_more_than_it_says() {
        let plain = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let packed = zstd::bulk::compress(plain, 1).unwrap();
        let read = |block: &[u8]| {
            let mut reader = BlockReader::new(MAX_BLOCK);
            reader.feed(block);
            reader
                .next_block()
                .map(|plain| plain.expect("the block is whole"))
        };
        for whole in [
            compress(plain),
            block(ZSTD, &packed, plain.len()),
            block(NONE, plain, plain.len()),
        ] {
            assert_eq!(read(&whole).unwrap(), plain);
        }
        for wrong in [
            block(ZSTD, &packed, plain.len() - 1),
            block(ZSTD, &packed, plain.len() + 1),
            block(ZSTD, plain, plain.len()),
            block(LZ4, &lz4_flex::block::compress(plain), MAX_BLOCK),
            block(0x95, plain, plain.len()),
        ] {
            assert!(read(&wrong).is_err());
        }
    }

    #[test]
    fn a_block_beyond_the_largest_is_not_waited_for() {
        let whole = compress(&[7; 1000]);
        let mut reader = BlockReader::new(999);
        reader.feed(&whole[..30]);
        assert!(reader.next_block().is_err());
    }

    /// Twice the bytes take twice the steps, in however small pieces and blocks they come.
    #[test]
    fn steps_are_linear_in_the_body() {
        let steps_of = |stream: &[u8], piece: usize| {
            steps::take();
            let mut reader = BlockReader::new(MAX_BLOCK);
            for piece in stream.chunks(piece) {
                reader.feed(piece);
                while reader.next_block().unwrap().is_some() {}
            }
            steps::take()
        };
        let noise = |n: usize| block(NONE, &vec![7; n], n);
        for piece in [10, 1000, 65_536] {
            let (once, twice) = (steps_of(&noise(200_000), piece), steps_of(&noise(400_000), piece));
            assert!(
                twice <= once * 5 / 2 && once <= 1_000_000,
                "one block by {piece}: {once}, {twice}"
            );
            let many = |n: usize| noise(50).repeat(n);
            let (once, twice) = (steps_of(&many(3_000), piece), steps_of(&many(6_000), piece));
            assert!(
                twice <= once * 5 / 2 && once <= 1_000_000,
                "many by {piece}: {once}, {twice}"
            );
        }
    }

    proptest! {
        #[test]
        fn there_and_back_in_any_pieces(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5), piece in 1_usize..50) {
            let stream: Vec<u8> = parts.iter().flat_map(|part| compress(part)).collect();
            let mut reader = BlockReader::new(MAX_BLOCK);
            let mut plain = Vec::new();
            for piece in stream.chunks(piece) {
                reader.feed(piece);
                while let Some(block) = reader.next_block().unwrap() {
                    plain.extend(block);
                }
            }
            reader.finish().unwrap();
            prop_assert_eq!(&plain, &parts.concat());
            let mut read = Vec::new();
            BlockDecoder::new(&stream[..], MAX_BLOCK).read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, plain);
        }

        #[test]
        fn noise_is_refused_or_waited_for(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = BlockDecoder::new(&bytes[..], MAX_BLOCK).read_to_end(&mut Vec::new());
        }

        #[test]
        fn a_flipped_bit_is_noticed(part in prop::collection::vec(any::<u8>(), 1..100), at in any::<prop::sample::Index>()) {
            let mut block = compress(&part);
            let index = at.index(block.len());
            block[index] ^= 1;
            prop_assert!(BlockDecoder::new(&block[..], MAX_BLOCK).read_to_end(&mut Vec::new()).is_err());
        }
    }
}
