package com.example.etl;

import java.io.File;
import java.util.Collections;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Count and sum of orders per customer, in keyed state. The number of all orders lies in operator state as well, so that the accumulators tell
 * what was restored: {@code restored} is that number at the start, {@code orders} goes on from it.
 */
class CustomerTotals extends KeyedProcessFunction<String, Order, String> implements CheckpointedFunction {
  private static final long serialVersionUID = 1L;
  private final long failAfter;
  private final String failFile;
  private final long slowOrderMillis;
  private final long slowCheckpointMillis;
  private final boolean failCheckpoint;
  private final boolean failClose;
  private final LongCounter orders = new LongCounter();
  private final LongCounter restored = new LongCounter();
  private transient ValueState<Long> count;
  private transient ValueState<Long> cents;
  private transient ListState<Long> totalState;
  private transient long total;
  private transient long lastLookNanos;

  CustomerTotals(Options options) {
    failAfter = options.number("fail-after", 0);
    failFile = options.text("fail-file", null);
    slowOrderMillis = options.number("slow-order", 0);
    slowCheckpointMillis = options.number("slow-checkpoint", 0);
    failCheckpoint = options.has("fail-checkpoint");
    failClose = options.has("fail-close");
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    totalState = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("total", Types.LONG));
    total = 0;
    for (Long part : totalState.get()) {
      total += part;
    }
  }

  @Override
  public void open(OpenContext context) {
    count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    cents = getRuntimeContext().getState(new ValueStateDescriptor<>("cents", Types.LONG));
    getRuntimeContext().addAccumulator("orders", orders);
    getRuntimeContext().addAccumulator("restored", restored);
    orders.add(total);
    restored.add(total);
  }

  @Override
  public void processElement(Order order, Context context, Collector<String> out) throws Exception {
    if (slowOrderMillis > 0) {
      Thread.sleep(slowOrderMillis);
    }
    long n = (count.value() == null ? 0 : count.value()) + 1;
    long sum = (cents.value() == null ? 0 : cents.value()) + order.cents;
    count.update(n);
    cents.update(sum);
    total++;
    orders.add(1);
    if (n % 100 == 0) {
      out.collect(order.customer + ": " + n + " orders, " + sum + " cents");
    }
    if (failAfter > 0 && total >= failAfter) {
      throw new IllegalStateException("Planned failure after " + total + " orders");
    }
    if (failFile != null && System.nanoTime() - lastLookNanos > 50_000_000L) {
      lastLookNanos = System.nanoTime();
      if (new File(failFile).exists()) {
        throw new IllegalStateException("Cannot write order " + order.number + ": the target database refused the connection");
      }
    }
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    if (slowCheckpointMillis > 0) {
      Thread.sleep(slowCheckpointMillis);
    }
    if (failCheckpoint) {
      throw new IllegalStateException("Planned failure of checkpoint " + context.getCheckpointId());
    }
    totalState.update(Collections.singletonList(total));
  }

  @Override
  public void close() {
    if (failClose) {
      throw new IllegalStateException("Planned failure while closing");
    }
  }
}
