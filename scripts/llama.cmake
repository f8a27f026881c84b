# Read by CMake when it configures llama.cpp: CMAKE_PROJECT_INCLUDE in .cargo/config.toml.
#
# llama-cpp-2 always has llama.cpp's "common" library built (servers, grammars, downloads), which Duplex links and never
# calls. It is the larger part of llama.cpp's own code; left unoptimised it takes less time to build.
function(duplex_leave_common_unoptimised)
	foreach(target IN ITEMS llama-common llama-common-base cpp-httplib vendor-hash)
		if(TARGET ${target} AND NOT MSVC)
			target_compile_options(${target} PRIVATE -O0)
		endif()
	endforeach()
endfunction()

cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL duplex_leave_common_unoptimised)
