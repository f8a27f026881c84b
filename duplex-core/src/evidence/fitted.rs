//! The shipped weights. Written by `duplex-datasets weights`, and not to be changed by hand.

use super::{Linear, Weights};

#[rustfmt::skip]
pub(super) const WEIGHTS: Weights = Weights {
    over: Linear {
        bias: -152,
        weights: [
            0, // voiced
            0, // brief
            0, // clear
            605, // end_of_turn
            0, // high_band_snr
            0, // level
            0, // partial
            0, // no_words
            1248, // one_word
            1268, // two_words
            0, // words_count
            261, // certainty
            0, // sure_words
            0, // too_fast
            0, // echo
            -136, // backchannel
            0, // go_on
            0, // near_backchannel
            -2126, // command
            0, // near_command
            0, // farewell
            368, // asks
            143, // question_mark
            0, // repair
            0, // refuses
            0, // calls_assistant
            0, // calls_person
            0, // ends_in_name
            0, // opens_with_name
            0, // denies
            0, // praise
            -3699, // dangling
            -350, // small_word
            -3272, // awaiting
            -1272, // trails_off
            -9, // full_stop
            -257, // few_digits
            -2278, // thinks
            -229, // gives_list
            -233, // gives_number
            1892, // closes_list
            821, // silence
            0, // overlaps
            0, // follows_speech
            0, // has_cut
            3701, // was_asked
            1213, // was_invited
            0, // after_statement
            0, // opens
            0, // was_ignored
            0, // repeats
            0, // model_yields
        ],
    },
    sound: [
        // turn
        Linear {
            bias: 35,
            weights: [
                1497, // voiced
                172, // brief
                495, // clear
                -166, // end_of_turn
                267, // high_band_snr
                1038, // level
                -229, // partial
                -603, // no_words
                801, // one_word
                30, // two_words
                -416, // words_count
                133, // certainty
                1029, // sure_words
                1235, // too_fast
                -234, // echo
                -844, // backchannel
                -15, // go_on
                -277, // near_backchannel
                -372, // command
                -255, // near_command
                -404, // farewell
                960, // asks
                1126, // question_mark
                2014, // repair
                1289, // refuses
                307, // calls_assistant
                -981, // calls_person
                109, // ends_in_name
                323, // opens_with_name
                0, // denies
                188, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                -621, // full_stop
                0, // few_digits
                0, // thinks
                627, // gives_list
                90, // gives_number
                -427, // closes_list
                0, // silence
                931, // overlaps
                935, // follows_speech
                726, // has_cut
                -1116, // was_asked
                1125, // was_invited
                -970, // after_statement
                3335, // opens
                -434, // was_ignored
                177, // repeats
                0, // model_yields
            ],
        },
        // answer
        Linear {
            bias: 1966,
            weights: [
                -892, // voiced
                295, // brief
                51, // clear
                -309, // end_of_turn
                -130, // high_band_snr
                1188, // level
                -54, // partial
                -553, // no_words
                634, // one_word
                1074, // two_words
                -1440, // words_count
                -253, // certainty
                628, // sure_words
                -92, // too_fast
                445, // echo
                716, // backchannel
                36, // go_on
                -3, // near_backchannel
                -276, // command
                -40, // near_command
                -27, // farewell
                760, // asks
                558, // question_mark
                -698, // repair
                518, // refuses
                -1, // calls_assistant
                -50, // calls_person
                -21, // ends_in_name
                -142, // opens_with_name
                0, // denies
                -12, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                -205, // full_stop
                0, // few_digits
                0, // thinks
                290, // gives_list
                -50, // gives_number
                -6, // closes_list
                0, // silence
                -4242, // overlaps
                -721, // follows_speech
                -3324, // has_cut
                5372, // was_asked
                3395, // was_invited
                308, // after_statement
                -2755, // opens
                -2068, // was_ignored
                -17, // repeats
                0, // model_yields
            ],
        },
        // backchannel
        Linear {
            bias: -1387,
            weights: [
                -3447, // voiced
                -1317, // brief
                1272, // clear
                -240, // end_of_turn
                -288, // high_band_snr
                783, // level
                -1471, // partial
                -1406, // no_words
                43, // one_word
                278, // two_words
                -3511, // words_count
                223, // certainty
                -1039, // sure_words
                -1631, // too_fast
                -112, // echo
                2251, // backchannel
                -14, // go_on
                658, // near_backchannel
                243, // command
                -1271, // near_command
                -862, // farewell
                -609, // asks
                -779, // question_mark
                -2554, // repair
                -1482, // refuses
                0, // calls_assistant
                138, // calls_person
                -17, // ends_in_name
                -416, // opens_with_name
                0, // denies
                -326, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                417, // full_stop
                0, // few_digits
                0, // thinks
                -273, // gives_list
                -118, // gives_number
                -57, // closes_list
                0, // silence
                3003, // overlaps
                -518, // follows_speech
                1657, // has_cut
                -947, // was_asked
                -340, // was_invited
                2073, // after_statement
                -283, // opens
                304, // was_ignored
                -1388, // repeats
                0, // model_yields
            ],
        },
        // command
        Linear {
            bias: -1493,
            weights: [
                127, // voiced
                -238, // brief
                1042, // clear
                153, // end_of_turn
                781, // high_band_snr
                1625, // level
                204, // partial
                -990, // no_words
                253, // one_word
                -746, // two_words
                -928, // words_count
                978, // certainty
                304, // sure_words
                -185, // too_fast
                -88, // echo
                236, // backchannel
                -3, // go_on
                410, // near_backchannel
                2438, // command
                2414, // near_command
                2057, // farewell
                -341, // asks
                -963, // question_mark
                -1004, // repair
                -320, // refuses
                0, // calls_assistant
                -367, // calls_person
                -162, // ends_in_name
                -736, // opens_with_name
                0, // denies
                -929, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                836, // full_stop
                0, // few_digits
                0, // thinks
                -245, // gives_list
                -468, // gives_number
                680, // closes_list
                0, // silence
                1520, // overlaps
                -1063, // follows_speech
                695, // has_cut
                -1069, // was_asked
                -1203, // was_invited
                -25, // after_statement
                -1868, // opens
                -1272, // was_ignored
                1593, // repeats
                0, // model_yields
            ],
        },
        // to_others
        Linear {
            bias: 872,
            weights: [
                -885, // voiced
                -206, // brief
                321, // clear
                47, // end_of_turn
                639, // high_band_snr
                -1, // level
                425, // partial
                592, // no_words
                -1329, // one_word
                -1051, // two_words
                2481, // words_count
                -171, // certainty
                107, // sure_words
                143, // too_fast
                -52, // echo
                -1070, // backchannel
                -1, // go_on
                -179, // near_backchannel
                -687, // command
                -257, // near_command
                -460, // farewell
                -922, // asks
                1253, // question_mark
                -171, // repair
                1230, // refuses
                -287, // calls_assistant
                1798, // calls_person
                963, // ends_in_name
                1426, // opens_with_name
                0, // denies
                1915, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                46, // full_stop
                0, // few_digits
                0, // thinks
                -1950, // gives_list
                876, // gives_number
                -479, // closes_list
                0, // silence
                41, // overlaps
                -1335, // follows_speech
                674, // has_cut
                -1271, // was_asked
                -1751, // was_invited
                -1387, // after_statement
                860, // opens
                -1063, // was_ignored
                -83, // repeats
                0, // model_yields
            ],
        },
        // other_voice
        Linear {
            bias: -11,
            weights: [
                2050, // voiced
                -363, // brief
                -649, // clear
                -84, // end_of_turn
                -1696, // high_band_snr
                -249, // level
                680, // partial
                1580, // no_words
                -260, // one_word
                319, // two_words
                2590, // words_count
                -876, // certainty
                -189, // sure_words
                -1040, // too_fast
                -385, // echo
                -1330, // backchannel
                -1, // go_on
                -348, // near_backchannel
                -780, // command
                -351, // near_command
                -255, // farewell
                -272, // asks
                -46, // question_mark
                1199, // repair
                -77, // refuses
                -17, // calls_assistant
                -430, // calls_person
                -841, // ends_in_name
                -652, // opens_with_name
                0, // denies
                -690, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                310, // full_stop
                0, // few_digits
                0, // thinks
                1824, // gives_list
                -1754, // gives_number
                -845, // closes_list
                0, // silence
                81, // overlaps
                1433, // follows_speech
                440, // has_cut
                -703, // was_asked
                -801, // was_invited
                -642, // after_statement
                2167, // opens
                2295, // was_ignored
                -565, // repeats
                0, // model_yields
            ],
        },
        // nothing
        Linear {
            bias: 17,
            weights: [
                1550, // voiced
                1656, // brief
                -2532, // clear
                598, // end_of_turn
                427, // high_band_snr
                -4383, // level
                445, // partial
                1380, // no_words
                -144, // one_word
                96, // two_words
                1224, // words_count
                -35, // certainty
                -842, // sure_words
                1569, // too_fast
                425, // echo
                42, // backchannel
                -1, // go_on
                -261, // near_backchannel
                -566, // command
                -240, // near_command
                -48, // farewell
                424, // asks
                -1149, // question_mark
                1216, // repair
                -1158, // refuses
                -1, // calls_assistant
                -108, // calls_person
                -31, // ends_in_name
                196, // opens_with_name
                0, // denies
                -145, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                -783, // full_stop
                0, // few_digits
                0, // thinks
                -272, // gives_list
                1424, // gives_number
                1134, // closes_list
                0, // silence
                -1333, // overlaps
                1269, // follows_speech
                -868, // has_cut
                -267, // was_asked
                -424, // was_invited
                643, // after_statement
                -1456, // opens
                2237, // was_ignored
                282, // repeats
                0, // model_yields
            ],
        },
    ],
};
