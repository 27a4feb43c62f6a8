//! `hypotf` of C (C11, 7.12.7.3 and F.10.4.3), so that the program runs on glibc 2.34.
//!
//! `rten` computes the norm of complex numbers, which calls `hypotf`. glibc 2.35 gave that function a new symbol version, and the
//! linker binds to the newest version of its own C library. A program linked on Debian 12 would therefore not start on RHEL 9.
//! Because the program defines the function itself, the linker binds to no version.
//!
//! The module needs `unsafe`, because object files of other crates call the function by its C name.

/// Returns the square root of x² + y², rounded to the nearest number and without intermediate overflow. If one argument is infinite,
/// the result is infinity, even if the other is NaN.
#[expect(unsafe_code, reason = "the name must be C's")]
#[unsafe(no_mangle)]
extern "C" fn hypotf(x: f32, y: f32) -> f32 {
    if x.is_infinite() || y.is_infinite() {
        return f32::INFINITY;
    }
    // Squares of `f32` are exact in `f64`, and cannot overflow there.
    let (x, y) = (f64::from(x), f64::from(y));
    #[expect(clippy::cast_possible_truncation, reason = "the result is an f32")]
    let norm = (x * x + y * y).sqrt() as f32;
    norm
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::hypotf;

    fn bits(x: f32, y: f32) -> u32 {
        hypotf(x, y).to_bits()
    }

    proptest! {
        #[test]
        fn hypotf_is_the_rounded_norm_of_the_wider_type(x in any::<f32>(), y in any::<f32>()) {
            #[expect(clippy::cast_possible_truncation, reason = "the rounding is the point")]
            let wide = f64::from(x).hypot(f64::from(y)) as f32;
            prop_assert_eq!(bits(x, y), wide.to_bits());
        }
    }

    #[test]
    fn hypotf_of_special_values_follows_annex_f() {
        let infinity = f32::INFINITY.to_bits();
        for (x, y) in [(f32::INFINITY, f32::NAN), (f32::NAN, f32::NEG_INFINITY), (f32::INFINITY, 0.0)] {
            assert_eq!(bits(x, y), infinity);
        }
        assert!(hypotf(f32::NAN, 1.0).is_nan());
        assert_eq!((bits(-0.0, 0.0), bits(3.0, -4.0), bits(f32::MAX, f32::MAX)), (0, 5.0_f32.to_bits(), infinity));
        assert_eq!(bits(f32::MIN_POSITIVE / 8.0, 0.0), (f32::MIN_POSITIVE / 8.0).to_bits());
    }
}
