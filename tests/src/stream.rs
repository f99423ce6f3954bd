//! Streams whose every byte is known, so that what arrives can be compared with what was sent.

use std::io::{Read, Write};

use anyhow::{Result, ensure};
use socket2::Socket;

/// Bytes that are written and read at once.
const BLOCK: usize = 1 << 20;

/// What a stream is made of: each block begins with its number, so that none can stand for another.
struct Blocks {
    block: Vec<u8>,
    number: u64,
}

impl Blocks {
    fn new() -> Self {
        // A linear congruential generator (Knuth, MMIX): every block the same, with no short period.
        let mut state: u64 = 1;
        let block = (0..BLOCK)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            })
            .collect();
        Self { block, number: 0 }
    }

    fn next(&mut self) -> &[u8] {
        self.block[..8].copy_from_slice(&self.number.to_le_bytes());
        self.number += 1;
        &self.block
    }
}

/// Writes this many bytes.
pub fn write(mut to: impl Write, bytes: u64) -> Result<()> {
    let mut blocks = Blocks::new();
    let mut left = bytes;
    while left > 0 {
        let block = blocks.next();
        let now = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        to.write_all(&block[..now])?;
        left -= now as u64;
    }
    Ok(())
}

/// Reads this many bytes, which have to be those that [`write()`] writes.
pub fn read(mut from: impl Read, bytes: u64) -> Result<()> {
    let mut blocks = Blocks::new();
    let mut came = vec![0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        from.read_exact(&mut came[..now])?;
        ensure!(
            blocks.next()[..now] == came[..now],
            "other bytes came than were sent, {left} before the end"
        );
        left -= now as u64;
    }
    Ok(())
}

/// Writes this many bytes to a socket and reads as many from it, both at once.
pub fn exchange(socket: &Socket, bytes: u64) -> Result<()> {
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| write(socket, bytes));
        read(socket, bytes)?;
        writing
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
