//! A FLAC encoder for tests, which compresses nothing: every stream that an encoder might write, and some that none
//! should.

/// What a stream says of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) rate: u32,
    pub(crate) channels: u8,
    pub(crate) bits: u8,
    /// Samples of each channel; 0 means unknown.
    pub(crate) total: u64,
    /// Samples of a frame.
    pub(crate) block: u16,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            rate: 16_000,
            channels: 1,
            bits: 16,
            total: 0,
            block: 4_096,
        }
    }
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 7 }
        })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc: u16, _| {
            crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x8005 }
        })
    })
}

impl Stream {
    /// Everything before the first frame. `blocks`: metadata beside the description, each with its type.
    pub(crate) fn header(&self, blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut out = b"fLaC".to_vec();
        out.extend([if blocks.is_empty() { 0x80 } else { 0 }, 0, 0, 34]);
        out.extend(self.block.to_be_bytes());
        out.extend(self.block.to_be_bytes());
        out.extend([0; 6]);
        let packed = u64::from(self.rate) << 44
            | u64::from(self.channels - 1) << 41
            | u64::from(self.bits - 1) << 36
            | self.total;
        out.extend(packed.to_be_bytes());
        out.extend([0; 16]);
        for (number, (kind, block)) in blocks.iter().enumerate() {
            let last = if number + 1 == blocks.len() { 0x80 } else { 0 };
            out.push(kind | last);
            out.extend(&(block.len() as u32).to_be_bytes()[1..]);
            out.extend(block);
        }
        out
    }

    /// A frame of `length` samples whose subframes are given.
    fn frame(&self, number: u8, length: u16, subframes: &[u8]) -> Vec<u8> {
        let mut out = vec![0xff, 0xf8, 0x70, (self.channels - 1) << 4, number];
        out.extend((length - 1).to_be_bytes());
        out.push(crc8(&out));
        out.extend(subframes);
        out.extend(crc16(&out).to_be_bytes());
        out
    }

    /// A frame that holds the samples as they are; each channel's after another's.
    pub(crate) fn verbatim(&self, number: u8, channels: &[&[i16]]) -> Vec<u8> {
        let mut subframes = Vec::new();
        for samples in channels {
            subframes.push(0x02);
            subframes.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
        }
        self.frame(number, channels[0].len() as u16, &subframes)
    }

    /// A frame of one value, which takes 14 bytes whatever its length.
    pub(crate) fn constant(&self, number: u8, length: u16, value: i16) -> Vec<u8> {
        let [high, low] = value.to_be_bytes();
        self.frame(number, length, &[0, high, low].repeat(self.channels.into()))
    }

    /// A whole mono stream.
    pub(crate) fn encode(&self, samples: &[i16]) -> Vec<u8> {
        let frames = samples.chunks(self.block.into()).enumerate();
        let frames = frames.flat_map(|(number, block)| self.verbatim(number as u8, &[block]));
        self.header(&[]).into_iter().chain(frames).collect()
    }
}
