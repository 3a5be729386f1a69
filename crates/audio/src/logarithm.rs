//! The natural logarithm of single-precision numbers, eight at a time.
//!
//! The polynomial of Cephes' `logf` (Moshier), accurate to two units in the last place. It has no branches, so the
//! compiler can vectorise it, unlike the standard library's function.
#![expect(
    clippy::inline_always,
    reason = "compiled once for each width of the processor's vectors"
)]

use crate::stft::Lanes;

/// 10 / ln 10
const DECIBELS: f32 = 4.342_944_8;
/// The bits of √½, the lower end of the mantissa's range.
const SQRT_HALF: u32 = 0x3f35_04f3;
/// ln 2 in two parts; the first has few digits.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// ln of normal, positive, finite numbers.
#[expect(clippy::excessive_precision, reason = "the published coefficients")]
#[inline(always)]
pub(crate) fn ln(values: Lanes<f32>) -> Lanes<f32> {
    values.map(|value| {
        let exponent = (value.to_bits().wrapping_sub(SQRT_HALF)).cast_signed() >> 23;
        let mantissa = f32::from_bits(value.to_bits().wrapping_sub((exponent << 23).cast_unsigned()));
        let (x, exponent) = (mantissa - 1.0, exponent as f32);
        let mut polynomial = 7.037_683_629_2e-2_f32;
        for coefficient in [
            -1.151_461_031_0e-1,
            1.167_699_874_0e-1,
            -1.242_014_084_6e-1,
            1.424_932_278_7e-1,
            -1.666_805_766_5e-1,
            2.000_071_476_5e-1,
            -2.499_999_399_3e-1,
            3.333_333_117_4e-1,
        ] {
            polynomial = polynomial * x + coefficient;
        }
        let square = x * x;
        let rest = polynomial * x * square + exponent * LN2_LOW - 0.5 * square;
        x + rest + exponent * LN2_HIGH
    })
}

/// 10·log10 of normal, positive, finite numbers.
#[inline(always)]
pub(crate) fn decibels(powers: Lanes<f32>) -> Lanes<f32> {
    ln(powers).map(|ln| ln * DECIBELS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_standard_librarys(value in prop_oneof![1e-10_f32..1e10, 0.9_f32..1.1, 1e-37_f32..1e-30]) {
            let exact = f64::from(value).ln();
            let ours = f64::from(ln([value; 8])[3]);
            prop_assert!((ours - exact).abs() <= 2.5e-7 * exact.abs().max(0.01), "{ours} {exact}");
        }
    }

    #[test]
    fn powers_of_ten_are_round() {
        for (power, expected) in [(1.0, 0.0), (1e-10, -100.0), (1e8, 80.0)] {
            assert!((decibels([power; 8])[0] - expected).abs() < 2e-5);
        }
    }
}
