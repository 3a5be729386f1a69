//! HTTP's content codings: gzip, deflate, br, zstd and lz4 frames, both ways, a piece at a time.
//!
//! In: plain pieces, or a compressed body. Out: compressed pieces that a client can read at once, or the plain body.
//! A piece is decompressed when it is needed, so that a small body cannot fill the memory, and on a thread of its own, of
//! which there are few. It ends with its client.

use std::io::{self, Read, Write as _};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use flate2::{
    Compression,
    read::{MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use tokio::sync::mpsc;

use crate::{
    admission::{Admission, Place},
    blocks::BlockDecoder,
    body::next_piece,
    exception::{Exception, NOT_IMPLEMENTED},
};

const WAITING: usize = 4;
const PIECE: usize = 64 << 10;
/// ClickHouse's own default for HTTP: fast rather than small.
const LEVEL: u32 = 3;
/// The largest window that the content coding zstd has, by RFC 9659: 8 MiB.
const WINDOW_LOG: u32 = 23;
const BROTLI_WINDOW_BITS: u32 = 22;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Zstd,
    Lz4,
    Gzip,
    Deflate,
}

impl Coding {
    /// All codings, the preferred ones first.
    const ALL: [Self; 5] = [Self::Brotli, Self::Zstd, Self::Lz4, Self::Gzip, Self::Deflate];

    /// Returns the name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// Returns the preferred coding of an `Accept-Encoding`. A coding with `q=0` is not accepted.
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        let accepts = |coding: &Self| {
            header.split(',').any(|one| {
                let (name, weight) = one.split_once(';').unwrap_or((one, "q=1"));
                let weight = weight.trim().strip_prefix("q=").unwrap_or("1").trim();
                name.trim().eq_ignore_ascii_case(coding.name())
                    && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
            })
        };
        Self::ALL.into_iter().find(accepts)
    }

    fn decoder(self, from: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Brotli => Box::new(brotli::Decompressor::new(from, PIECE)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(from)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Box::new(decoder)
            }
            Self::Lz4 => Box::new(FrameDecoder::new(from)),
            Self::Gzip => Box::new(MultiGzDecoder::new(from)),
            Self::Deflate => Box::new(ZlibDecoder::new(from)),
        })
    }
}

/// Compresses an answer.
pub(crate) enum Encoder {
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Lz4(Box<FrameEncoder<Vec<u8>>>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Brotli => Self::Brotli(Box::new(brotli::CompressorWriter::new(
                Vec::new(),
                PIECE,
                LEVEL,
                BROTLI_WINDOW_BITS,
            ))),
            Coding::Zstd => Self::Zstd(
                zstd::stream::write::Encoder::new(Vec::new(), LEVEL as i32)
                    .expect("the level is one that zstd knows"),
            ),
            Coding::Lz4 => Self::Lz4(Box::new(FrameEncoder::new(Vec::new()))),
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(LEVEL))),
            Coding::Deflate => Self::Deflate(ZlibEncoder::new(Vec::new(), Compression::new(LEVEL))),
        }
    }

    /// Compresses a piece so that it can be read without the next one.
    pub(crate) fn encode(&mut self, piece: &[u8]) -> Vec<u8> {
        macro_rules! through {
            ($writer:expr) => {{
                let written = $writer.write_all(piece).and_then(|()| $writer.flush());
                written.expect("writing to memory cannot fail");
                std::mem::take($writer.get_mut())
            }};
        }
        match self {
            Self::Brotli(writer) => through!(writer),
            Self::Zstd(writer) => through!(writer),
            Self::Lz4(writer) => through!(writer),
            Self::Gzip(writer) => through!(writer),
            Self::Deflate(writer) => through!(writer),
        }
    }

    /// Returns the end of the compressed stream.
    pub(crate) fn finish(self) -> Vec<u8> {
        let end = match self {
            Self::Brotli(writer) => return writer.into_inner(),
            Self::Zstd(writer) => writer.finish(),
            Self::Lz4(writer) => writer.finish().map_err(io::Error::other),
            Self::Gzip(writer) => writer.finish(),
            Self::Deflate(writer) => writer.finish(),
        };
        end.expect("writing to memory cannot fail")
    }
}

/// Decompresses a body. An unknown `Content-Encoding` is refused rather than stored as it is.
pub(crate) async fn decoded(
    headers: &HeaderMap,
    body: Body,
    admission: &Admission,
) -> Result<Body, Exception> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let encoding = match encoding.as_deref() {
        None | Some("" | "identity") => return Ok(body),
        Some("x-gzip") => "gzip",
        Some(other) => other,
    };
    match Coding::ALL.into_iter().find(|coding| coding.name() == encoding) {
        Some(coding) => Ok(plain(
            move |from| coding.decoder(from),
            body,
            admission.decoder().await?,
        )),
        None => Err(Exception::new(
            NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            format_args!(
                "Unsupported Content-Encoding: {encoding}; gzip, deflate, br, zstd and lz4 are supported"
            ),
        )),
    }
}

/// Decompresses a body in ClickHouse's blocks, of which none is larger than that.
pub(crate) async fn unblocked(body: Body, largest: usize, admission: &Admission) -> Result<Body, Exception> {
    let decoder = move |from| Ok(Box::new(BlockDecoder::new(from, largest)) as Box<dyn Read + Send>);
    Ok(plain(decoder, body, admission.decoder().await?))
}

/// A blocking reader of bytes from the async side.
struct BlockingReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for BlockingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.current.split_to(into.len().min(self.current.len()));
        into[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

/// Returns the plain bytes of a body as the reader that `reader_of` makes of it has them.
fn plain<D>(reader_of: D, mut body: Body, place: Place) -> Body
where
    D: FnOnce(BlockingReader) -> io::Result<Box<dyn Read + Send>> + Send + 'static,
{
    let (compressed, pieces) = mpsc::channel(WAITING);
    let (plain, decoded) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    tokio::spawn(async move {
        loop {
            let piece = next_piece(&mut body).await.transpose();
            let Some(piece) =
                piece.map(|piece| piece.map_err(|error| io::Error::other(error.reason().to_owned())))
            else {
                return;
            };
            let broken = piece.is_err();
            if compressed.send(piece).await.is_err() || broken {
                return;
            }
        }
    });
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let current = Bytes::new();
        let mut reader = match reader_of(BlockingReader { pieces, current }) {
            Ok(reader) => reader,
            Err(error) => return drop(plain.blocking_send(Err(error))),
        };
        loop {
            let mut piece = vec![0; PIECE];
            let read = reader.read(&mut piece).map(|length| {
                piece.truncate(length);
                Bytes::from(piece)
            });
            let failed = read.is_err();
            if read.as_ref().is_ok_and(Bytes::is_empty) || plain.blocking_send(read).is_err() || failed {
                return;
            }
        }
    });
    Body::from_stream(futures_util::stream::unfold(decoded, async |mut decoded| {
        decoded.recv().await.map(|piece| (piece, decoded))
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_preferred_accepted_coding_is_taken() {
        assert_eq!(Coding::accepted("gzip, deflate, br"), Some(Coding::Brotli));
        assert_eq!(Coding::accepted("br;q=0, GZIP;q=0.5"), Some(Coding::Gzip));
        assert_eq!(Coding::accepted("identity, sdch"), None);
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..5)) {
            for coding in Coding::ALL {
                let mut encoder = Encoder::new(coding);
                let mut compressed: Vec<u8> = pieces.iter().flat_map(|piece| encoder.encode(piece)).collect();
                compressed.extend(encoder.finish());
                let mut plain = Vec::new();
                coding.decoder(io::Cursor::new(compressed)).unwrap().read_to_end(&mut plain).unwrap();
                prop_assert_eq!(&plain, &pieces.concat());
            }
        }

        #[test]
        fn a_piece_can_be_read_before_the_next(piece in prop::collection::vec(any::<u8>(), 1..500)) {
            for coding in Coding::ALL {
                let compressed = Encoder::new(coding).encode(&piece);
                let mut plain = vec![0; piece.len()];
                coding.decoder(io::Cursor::new(compressed)).unwrap().read_exact(&mut plain).unwrap();
                prop_assert_eq!(&plain, &piece);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for coding in Coding::ALL {
                let mut plain = Vec::new();
                let _ = coding.decoder(io::Cursor::new(bytes.clone())).unwrap().take(1 << 20).read_to_end(&mut plain);
            }
        }
    }
}
