package com.example.etl;

import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Program arguments of the form {@code --rate 50 --fail-close}. Unknown ones are refused, so that a slip of the pen is seen at once. */
final class Options implements Serializable {
  private static final long serialVersionUID = 1L;
  private final Map<String, String> values = new HashMap<>();

  static Options parse(String[] args, String... known) {
    List<String> names = Arrays.asList(known);
    Options options = new Options();
    for (int i = 0; i < args.length; i++) {
      String name = args[i].startsWith("--") ? args[i].substring(2) : null;
      if (name == null || !names.contains(name)) {
        throw new IllegalArgumentException("Unknown option '" + args[i] + "'. Known options: --" + String.join(", --", known));
      }
      boolean hasValue = i + 1 < args.length && !args[i + 1].startsWith("--");
      options.values.put(name, hasValue ? args[++i] : "");
    }
    return options;
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  long number(String name, long otherwise) {
    String value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("Option --" + name + " needs a whole number, not '" + value + "'");
    }
  }
}
