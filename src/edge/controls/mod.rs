//! Buttons, foot switch, lamp and buzzer.
