{
  "targets": [
    {
      "target_name": "softirq",
      "sources": [
        "native/bpf.cc",
        "native/clock.cc",
        "native/cpu_lock.cc",
        "native/deadline.cc",
        "native/fault_guard.cc",
        "native/hrtimer.cc",
        "native/mapping.cc",
        "native/segment.cc",
        "native/short_slice.cc",
        "native/signal_stop.cc",
        "native/thread_policy.cc",
        "native/waiter_thread.cc",
        "native/binding/addon.cc",
        "native/binding/args.cc",
        "native/binding/bpf.cc",
        "native/binding/hrtimer.cc",
        "native/binding/segments.cc",
        "native/binding/stops.cc"
      ],
      "include_dirs": ["native"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags!": ["-Wno-unused-parameter"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++20", "-fvisibility=hidden", "-fno-exceptions", "-ffunction-sections", "-Wall", "-Wextra", "-Werror",
        "-isystem", "<!(node -p \"require('path').dirname(require.resolve('node-addon-api'))\")"
      ],
      # a signal handler of ours may be another library's "previous handler": never unload the code
      "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--gc-sections", "-Wl,--version-script=<(module_root_dir)/native/module.map", "-Wl,-z,nodelete"]
    }
  ]
}
