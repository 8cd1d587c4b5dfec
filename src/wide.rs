//! One function compiled twice: for every core of its kind, and for those x86 cores that have vectors of twice the width (AVX2).
//!
//! Which one runs is asked of the core each time, which costs a load. Always holds: both give the same bits, since the same source
//! is compiled without leave to reorder or fuse floating-point arithmetic. Deliberately absent: aarch64, whose widest vectors
//! every core has, and any instruction by name.

/// Defines functions of plain values and borrowed slices; what they call is compiled with them only if it is `#[inline(always)]`.
macro_rules! wide {
    ($($(#[$doc:meta])* $view:vis fn $name:ident $(<$(const $size:ident: usize),+>)? ($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block)+) => {$(
        $(#[$doc])*
        $view fn $name $(<$(const $size: usize),+>)? ($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn plain $(<$(const $size: usize),+>)? ($($arg: $type),*) $(-> $out)? $body

            #[cfg(all(target_arch = "x86_64", feature = "std"))]
            {
                #[target_feature(enable = "avx2")]
                fn avx2 $(<$(const $size: usize),+>)? ($($arg: $type),*) $(-> $out)? {
                    plain $(::<$($size),+>)? ($($arg),*)
                }
                if $crate::wide::has_avx2() {
                    // SAFETY: this core has what the function was compiled for.
                    #[allow(unsafe_code)]
                    return unsafe { avx2 $(::<$($size),+>)? ($($arg),*) };
                }
            }
            plain $(::<$($size),+>)? ($($arg),*)
        }
    )+};
}
pub(crate) use wide;

/// Whether this core has vectors of 256 bits.
#[cfg(all(target_arch = "x86_64", feature = "std"))]
pub(crate) fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
}
