//! Colours are held to figures: contrast by WCAG 2, and kinds of movement apart under three colour blindnesses.
#![allow(
    clippy::float_arithmetic,
    reason = "colours are not money, and nothing but this test computes with them"
)]

use netnew_chart::Tone;
use netnew_chart::tokens::{Role, TOKENS, Theme, Token, find};

const THEMES: [Theme; 2] = [Theme::Light, Theme::Dark];

type Rgb = [f64; 3];

/// Linear light of `#rrggbb`.
fn linear(hex: &str) -> Rgb {
    assert!(hex.len() == 7 && hex.starts_with('#'), "{hex}");
    [1, 3, 5].map(|at| {
        let channel = u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        let channel = f64::from(channel) / 255.0;
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    })
}

fn value(name: &str, theme: Theme) -> &'static str {
    find(name).unwrap_or_else(|| panic!("no token {name}")).value(theme)
}

fn luminance(rgb: Rgb) -> f64 {
    0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(linear(one)) + 0.05, luminance(linear(other)) + 0.05);
    if one > other { one / other } else { other / one }
}

#[track_caller]
fn hold(ink: &str, ground: &str, theme: Theme, least: f64) {
    let found = contrast(value(ink, theme), value(ground, theme));
    assert!(found >= least, "{ink} on {ground}, {theme:?}: {found:.2}, at least {least} is asked for");
}

fn named(role: Role) -> impl Iterator<Item = &'static Token> {
    TOKENS.iter().filter(move |token| token.role == role)
}

#[test]
fn text_reads_on_every_ground() {
    for theme in THEMES {
        for ink in named(Role::Text) {
            for ground in ["bg", "surface", "sunken", "hover"] {
                hold(ink.name, ground, theme, 4.5);
            }
        }
        for (ink, ground) in [
            ("text", "accent-soft"),
            ("text-2", "accent-soft"),
            ("accent", "accent-soft"),
            ("good", "good-soft"),
            ("warn", "warn-soft"),
            ("bad", "bad-soft"),
            ("on-accent", "accent"),
            ("on-accent", "accent-strong"),
            ("goal", "surface"),
            ("goal", "bg"),
        ] {
            hold(ink, ground, theme, 4.5);
        }
        for step in 0..8 {
            hold(&format!("heat-ink-{step}"), &format!("heat-{step}"), theme, 4.5);
        }
    }
}

#[test]
fn marks_stand_out_from_the_ground() {
    for theme in THEMES {
        for mark in named(Role::Mark) {
            for ground in ["bg", "surface"] {
                hold(mark.name, ground, theme, 3.0);
            }
        }
    }
}

#[test]
fn steps_of_a_heatmap_go_one_way() {
    for theme in THEMES {
        let steps: Vec<f64> = (0..8).map(|n| luminance(linear(value(&format!("heat-{n}"), theme)))).collect();
        let falling = theme == Theme::Light;
        assert!(steps.windows(2).all(|pair| (pair[0] > pair[1]) == falling), "{theme:?}: {steps:?}");
    }
}

/// What is left of colours without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1), on linear light.
const EYES: [(&str, [Rgb; 3]); 4] = [
    ("full sight", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    ),
    (
        "deuteranopia",
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ),
    (
        "tritanopia",
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ),
];

fn seen(eye: &[Rgb; 3], rgb: Rgb) -> Rgb {
    eye.map(|row| (row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]).clamp(0.0, 1.0))
}

/// CIE L*a*b* under D65.
fn lab(rgb: Rgb) -> Rgb {
    let x = (0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2]) / 0.95047;
    let y = 0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2];
    let z = (0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2]) / 1.08883;
    let f = |t: f64| if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 };
    let (x, y, z) = (f(x), f(y), f(z));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Distance in L*a*b*, where about 2.3 can just be noticed side by side.
fn apart(one: Rgb, other: Rgb) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn nearest(tones: &[Tone], least: f64) {
    for theme in THEMES {
        for (eye, matrix) in &EYES {
            for (n, one) in tones.iter().enumerate() {
                for other in &tones[n + 1..] {
                    let place = |tone: &Tone| lab(seen(matrix, linear(value(tone.token(), theme))));
                    let found = apart(place(one), place(other));
                    assert!(found >= least, "{one:?} and {other:?}, {theme:?}, {eye}: {found:.1}");
                }
            }
        }
    }
}

#[test]
fn kinds_of_movement_differ_for_every_eye() {
    use Tone::{Churn, Contraction, Expansion, Fx, New, Reactivation, Transfer};
    nearest(&[New, Expansion, Reactivation, Contraction, Churn, Transfer, Fx], 10.0);
    // The two that matter most beside each other.
    nearest(&[New, Churn], 30.0);
}

#[test]
fn layers_differ_for_every_eye() {
    nearest(&[1, 2, 3, 4, 5, 6].map(Tone::Series), 8.0);
}
