//! `hypotf` of C (C11, 7.12.7.3 and F.10.4.3), so that the program runs on glibc 2.34.
//!
//! `rten` computes the norm of complex numbers, which calls `hypotf`. glibc 2.35 gave that function a new symbol version, and a
//! linker binds to the newest version that its own C library has: a program that is linked on Debian 12 would refuse to start on
//! RHEL 9. With a definition in the program the linker takes no version at all.
//!
//! The module needs `unsafe`, as a function that other crates' object files call by its C name must be declared with one.

/// The square root of x² + y² without overflow on the way, rounded to the nearest number. An infinite side gives infinity, even
/// beside NaN.
#[expect(unsafe_code, reason = "the name must be C's")]
#[unsafe(no_mangle)]
extern "C" fn hypotf(x: f32, y: f32) -> f32 {
    if x.is_infinite() || y.is_infinite() {
        return f32::INFINITY;
    }
    // Squares of f32 are exact in f64, and so large that none overflows.
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
        fn the_norm_is_that_of_the_wider_type_rounded(x in any::<f32>(), y in any::<f32>()) {
            #[expect(clippy::cast_possible_truncation, reason = "the rounding is the point")]
            let wide = f64::from(x).hypot(f64::from(y)) as f32;
            prop_assert_eq!(bits(x, y), wide.to_bits());
        }
    }

    #[test]
    fn special_values_are_those_of_annex_f() {
        let infinity = f32::INFINITY.to_bits();
        for (x, y) in [(f32::INFINITY, f32::NAN), (f32::NAN, f32::NEG_INFINITY), (f32::INFINITY, 0.0)] {
            assert_eq!(bits(x, y), infinity);
        }
        assert!(hypotf(f32::NAN, 1.0).is_nan());
        assert_eq!((bits(-0.0, 0.0), bits(3.0, -4.0), bits(f32::MAX, f32::MAX)), (0, 5.0_f32.to_bits(), infinity));
        assert_eq!(bits(f32::MIN_POSITIVE / 8.0, 0.0), (f32::MIN_POSITIVE / 8.0).to_bits());
    }
}
