//! The shipped weights. Written by `duplex-datasets weights`, and not to be changed by hand.

use super::{Linear, Weights};

#[rustfmt::skip]
pub(super) const WEIGHTS: Weights = Weights {
    over: Linear {
        bias: -1227,
        weights: [
            1553, // voiced
            0, // brief
            0, // clear
            765, // end_of_turn
            0, // high_band_snr
            0, // level
            0, // loudness
            0, // partial
            0, // no_words
            1801, // one_word
            1708, // two_words
            921, // words_count
            -9, // certainty
            0, // sure_words
            0, // too_fast
            0, // echo
            310, // backchannel
            0, // go_on
            0, // near_backchannel
            -2537, // command
            0, // near_command
            0, // farewell
            -55, // asks
            421, // question_mark
            0, // repair
            0, // refuses
            0, // calls_assistant
            0, // calls_person
            0, // ends_in_name
            0, // opens_with_name
            0, // denies
            0, // praise
            -3482, // dangling
            121, // small_word
            -3067, // awaiting
            -1092, // trails_off
            60, // full_stop
            -162, // few_digits
            -2188, // thinks
            -588, // gives_list
            -297, // gives_number
            1632, // closes_list
            541, // silence
            0, // overlaps
            0, // follows_speech
            0, // has_cut
            3649, // was_asked
            1235, // was_invited
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
            bias: 250,
            weights: [
                1571, // voiced
                61, // brief
                -672, // clear
                -145, // end_of_turn
                219, // high_band_snr
                -895, // level
                3023, // loudness
                -265, // partial
                -604, // no_words
                1187, // one_word
                251, // two_words
                -369, // words_count
                286, // certainty
                931, // sure_words
                1438, // too_fast
                -192, // echo
                -833, // backchannel
                -16, // go_on
                -425, // near_backchannel
                -487, // command
                -250, // near_command
                -396, // farewell
                1007, // asks
                972, // question_mark
                1906, // repair
                1260, // refuses
                277, // calls_assistant
                -982, // calls_person
                -87, // ends_in_name
                250, // opens_with_name
                0, // denies
                126, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                -525, // full_stop
                0, // few_digits
                0, // thinks
                1171, // gives_list
                21, // gives_number
                -471, // closes_list
                0, // silence
                906, // overlaps
                1330, // follows_speech
                638, // has_cut
                -1300, // was_asked
                990, // was_invited
                -1273, // after_statement
                3154, // opens
                128, // was_ignored
                107, // repeats
                0, // model_yields
            ],
        },
        // answer
        Linear {
            bias: 1910,
            weights: [
                -870, // voiced
                294, // brief
                -521, // clear
                -262, // end_of_turn
                -19, // high_band_snr
                536, // level
                2213, // loudness
                -135, // partial
                -530, // no_words
                804, // one_word
                1133, // two_words
                -1418, // words_count
                -190, // certainty
                595, // sure_words
                -58, // too_fast
                424, // echo
                702, // backchannel
                32, // go_on
                -4, // near_backchannel
                -306, // command
                -33, // near_command
                -29, // farewell
                736, // asks
                492, // question_mark
                -686, // repair
                508, // refuses
                -1, // calls_assistant
                -46, // calls_person
                -29, // ends_in_name
                -186, // opens_with_name
                0, // denies
                -12, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                -179, // full_stop
                0, // few_digits
                0, // thinks
                392, // gives_list
                -52, // gives_number
                -7, // closes_list
                0, // silence
                -4237, // overlaps
                -530, // follows_speech
                -3313, // has_cut
                5196, // was_asked
                3388, // was_invited
                56, // after_statement
                -2840, // opens
                -1718, // was_ignored
                -20, // repeats
                0, // model_yields
            ],
        },
        // backchannel
        Linear {
            bias: -1273,
            weights: [
                -3435, // voiced
                -1175, // brief
                832, // clear
                -216, // end_of_turn
                -250, // high_band_snr
                -279, // level
                1244, // loudness
                -1475, // partial
                -1413, // no_words
                155, // one_word
                268, // two_words
                -3496, // words_count
                252, // certainty
                -990, // sure_words
                -1548, // too_fast
                -85, // echo
                2287, // backchannel
                -12, // go_on
                698, // near_backchannel
                198, // command
                -1282, // near_command
                -841, // farewell
                -572, // asks
                -818, // question_mark
                -2598, // repair
                -1457, // refuses
                0, // calls_assistant
                111, // calls_person
                -20, // ends_in_name
                -416, // opens_with_name
                0, // denies
                -331, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                433, // full_stop
                0, // few_digits
                0, // thinks
                -292, // gives_list
                -127, // gives_number
                -55, // closes_list
                0, // silence
                2895, // overlaps
                -490, // follows_speech
                1535, // has_cut
                -965, // was_asked
                -348, // was_invited
                1939, // after_statement
                -288, // opens
                66, // was_ignored
                -1374, // repeats
                0, // model_yields
            ],
        },
        // command
        Linear {
            bias: -1471,
            weights: [
                284, // voiced
                -101, // brief
                550, // clear
                189, // end_of_turn
                797, // high_band_snr
                548, // level
                1482, // loudness
                216, // partial
                -969, // no_words
                406, // one_word
                -692, // two_words
                -828, // words_count
                1001, // certainty
                315, // sure_words
                -129, // too_fast
                -88, // echo
                253, // backchannel
                -3, // go_on
                416, // near_backchannel
                2399, // command
                2420, // near_command
                2072, // farewell
                -277, // asks
                -1041, // question_mark
                -1048, // repair
                -324, // refuses
                0, // calls_assistant
                -391, // calls_person
                -195, // ends_in_name
                -746, // opens_with_name
                0, // denies
                -969, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                827, // full_stop
                0, // few_digits
                0, // thinks
                -218, // gives_list
                -505, // gives_number
                622, // closes_list
                0, // silence
                1391, // overlaps
                -989, // follows_speech
                560, // has_cut
                -1072, // was_asked
                -1176, // was_invited
                -135, // after_statement
                -1929, // opens
                -1351, // was_ignored
                1547, // repeats
                0, // model_yields
            ],
        },
        // to_others
        Linear {
            bias: 917,
            weights: [
                -1072, // voiced
                -226, // brief
                559, // clear
                51, // end_of_turn
                550, // high_band_snr
                216, // level
                -429, // loudness
                463, // partial
                627, // no_words
                -1270, // one_word
                -1022, // two_words
                2476, // words_count
                -137, // certainty
                -43, // sure_words
                103, // too_fast
                -82, // echo
                -1083, // backchannel
                -1, // go_on
                -190, // near_backchannel
                -675, // command
                -261, // near_command
                -456, // farewell
                -902, // asks
                1219, // question_mark
                -289, // repair
                1259, // refuses
                -271, // calls_assistant
                1795, // calls_person
                799, // ends_in_name
                1500, // opens_with_name
                0, // denies
                1959, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                92, // full_stop
                0, // few_digits
                0, // thinks
                -1837, // gives_list
                797, // gives_number
                -481, // closes_list
                0, // silence
                71, // overlaps
                -1365, // follows_speech
                766, // has_cut
                -1256, // was_asked
                -1737, // was_invited
                -1391, // after_statement
                947, // opens
                -967, // was_ignored
                -96, // repeats
                0, // model_yields
            ],
        },
        // other_voice
        Linear {
            bias: -222,
            weights: [
                1950, // voiced
                -719, // brief
                1242, // clear
                -263, // end_of_turn
                -1732, // high_band_snr
                3698, // level
                -6514, // loudness
                676, // partial
                1372, // no_words
                -1138, // one_word
                -16, // two_words
                2288, // words_count
                -1159, // certainty
                -56, // sure_words
                -1367, // too_fast
                -441, // echo
                -1224, // backchannel
                0, // go_on
                -241, // near_backchannel
                -542, // command
                -351, // near_command
                -305, // farewell
                -369, // asks
                281, // question_mark
                1599, // repair
                -302, // refuses
                -4, // calls_assistant
                -388, // calls_person
                -435, // ends_in_name
                -582, // opens_with_name
                0, // denies
                -631, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                195, // full_stop
                0, // few_digits
                0, // thinks
                1050, // gives_list
                -1463, // gives_number
                -726, // closes_list
                0, // silence
                270, // overlaps
                889, // follows_speech
                625, // has_cut
                -329, // was_asked
                -677, // was_invited
                309, // after_statement
                2435, // opens
                1678, // was_ignored
                -394, // repeats
                0, // model_yields
            ],
        },
        // nothing
        Linear {
            bias: -112,
            weights: [
                1574, // voiced
                1866, // brief
                -1990, // clear
                645, // end_of_turn
                436, // high_band_snr
                -3825, // level
                -1019, // loudness
                519, // partial
                1517, // no_words
                -145, // one_word
                77, // two_words
                1346, // words_count
                -54, // certainty
                -752, // sure_words
                1562, // too_fast
                463, // echo
                -101, // backchannel
                -1, // go_on
                -254, // near_backchannel
                -588, // command
                -244, // near_command
                -46, // farewell
                376, // asks
                -1104, // question_mark
                1116, // repair
                -944, // refuses
                -1, // calls_assistant
                -98, // calls_person
                -32, // ends_in_name
                179, // opens_with_name
                0, // denies
                -141, // praise
                0, // dangling
                0, // small_word
                0, // awaiting
                0, // trails_off
                -843, // full_stop
                0, // few_digits
                0, // thinks
                -266, // gives_list
                1329, // gives_number
                1119, // closes_list
                0, // silence
                -1297, // overlaps
                1154, // follows_speech
                -812, // has_cut
                -272, // was_asked
                -440, // was_invited
                495, // after_statement
                -1478, // opens
                2163, // was_ignored
                229, // repeats
                0, // model_yields
            ],
        },
    ],
};
